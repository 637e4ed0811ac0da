#!/usr/bin/env bash
# Three rows of table 1 of attention pooling on RAVDESS, four classes, two of five folds, eight epochs.
# Usage: run.sh RAVDESS WORKSPACE
set -euo pipefail
export OMP_NUM_THREADS=1
sercli prepare ravdess "$1" --partial --workspace "$2"
sercli ablate attpool --on ravdess-4 --rows 1-3 --fold 1,2 --max-epochs 8 --workspace "$2"
