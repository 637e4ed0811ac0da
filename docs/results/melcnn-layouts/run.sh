#!/usr/bin/env bash
# MelCNN's two layouts on RAVDESS, actors 1 to 21, seven classes, three seeds: dev speakers choose the layout, and the
# last of 60 epochs counts. Usage: run.sh RAVDESS WORKSPACE [FOLDS]
set -euo pipefail
export OMP_NUM_THREADS=1
sercli prepare ravdess "$1" --partial --workspace "$2"
for seed in 0 1 2; do
  for layout in A B; do
    sercli train --arch melcnn --corpus ravdess --scheme ravdess-7 --protocol speaker-5-fold --fold "${3:-1}" --seed $seed \
      --max-epochs 60 --set model.layout=$layout --set training.selection=last --workspace "$2"
  done
done
