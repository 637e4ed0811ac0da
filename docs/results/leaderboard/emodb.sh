#!/usr/bin/env bash
# All architectures on EMO-DB, four classes: unseen speakers and random folds, cut to what two cores can do.
# Usage: emodb.sh EMODB WORKSPACE
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
export OMP_NUM_THREADS=1
sercli prepare emodb "$1" --partial --workspace "$2"
sercli ablate "$here/emodb-cut.yaml" --jobs 2 --workspace "$2"
python "$here/gap.py" "$here/emodb-cut.yaml" "$2" emodb "$here/emodb-gap.csv"
