#!/usr/bin/env bash
# Networks trained on EMO-DB tested on RAVDESS, and back, four classes.
# Usage: run.sh EMODB RAVDESS WORKSPACE
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
export OMP_NUM_THREADS=1
sercli prepare emodb "$1" --partial --workspace "$3"
sercli prepare ravdess "$2" --partial --workspace "$3"
sercli ablate "$here/cross-corpus-cut.yaml" --jobs 2 --workspace "$3"
