#!/usr/bin/env bash
# All architectures on RAVDESS, seven classes: unseen speakers (five folds) and three random parts of five.
# Usage: ravdess.sh RAVDESS WORKSPACE
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
export OMP_NUM_THREADS=1
sercli prepare ravdess "$1" --partial --workspace "$2"
sercli ablate "$here/ravdess-cut.yaml" --on ravdess --jobs 2 --workspace "$2"
sercli ablate "$here/ravdess-cut.yaml" --on "ravdess random" --fold 1-3 --jobs 2 --workspace "$2"
python "$here/gap.py" "$here/ravdess-cut.yaml" "$2" ravdess "$here/ravdess-gap.csv"
