#!/usr/bin/env bash
# Linear classifiers on EMO-DB and RAVDESS as one corpus: unseen speakers, and an unseen corpus.
# Usage: run.sh EMODB RAVDESS WORKSPACE
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
export OMP_NUM_THREADS=1
sercli prepare emodb "$1" --partial --workspace "$3"
sercli prepare ravdess "$2" --partial --workspace "$3"
sercli ablate "$here/unions.yaml" --workspace "$3"
