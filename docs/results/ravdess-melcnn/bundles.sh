#!/usr/bin/env bash
# Two models of all 21 actors, seven classes and fourteen; what to expect of them is what the runs on folds reached.
# Usage: bundles.sh WORKSPACE OUT RUN_OF_7 RUN_OF_14, the runs of run.sh
set -euo pipefail
export OMP_NUM_THREADS=1
sercli train --arch melcnn --corpus ravdess --scheme ravdess-7 --protocol train-on-all --max-epochs 60 \
  --set "model.pools=[4,2,4,4]" --export "$2/ravdess-7" --tested-by "$3" --workspace "$1"
sercli train --arch melcnn --corpus ravdess --scheme ravdess-14 --protocol train-on-all --max-epochs 60 \
  --set "model.pools=[4,2,4,4]" --export "$2/ravdess-14" --tested-by "$4" --workspace "$1"
