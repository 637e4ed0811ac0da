#!/usr/bin/env bash
# MelCNN on RAVDESS, actors 1 to 21: seven classes (three seeds) and fourteen, everybody tested once, the last of 60
# epochs counts. Usage: run.sh RAVDESS WORKSPACE
set -euo pipefail
export OMP_NUM_THREADS=1
sercli prepare ravdess "$1" --partial --workspace "$2"
for scheme in ravdess-7 ravdess-14; do
  [ "$scheme" = ravdess-7 ] && seeds=0-2 || seeds=0
  run=$(sercli train --arch melcnn --corpus ravdess --scheme "$scheme" --protocol speaker-5-fold-no-dev \
    --seed "$seeds" --max-epochs 60 --set "model.pools=[4,2,4,4]" --workspace "$2" | tee /dev/stderr | sed -n 's/^run *//p')
  sercli eval "$run" --workspace "$2"
done
