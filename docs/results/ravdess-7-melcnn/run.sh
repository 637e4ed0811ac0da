#!/usr/bin/env bash
# MelCNN on RAVDESS, actors 1 to 21, seven classes, speaker-independent folds; the last of 60 epochs counts.
# Usage: run.sh RAVDESS WORKSPACE
set -euo pipefail
export OMP_NUM_THREADS=1
sercli prepare ravdess "$1" --partial --workspace "$2"
sercli train --arch melcnn --corpus ravdess --scheme ravdess-7 --protocol speaker-5-fold --max-epochs 60 --workspace "$2"
sercli eval latest --workspace "$2"
