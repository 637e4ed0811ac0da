#!/usr/bin/env bash
# Five rows of MDCNN's table 1 on EMO-DB, four classes: a quarter of the filters, at most 12 epochs.
# Usage: run.sh EMODB WORKSPACE
set -euo pipefail
export OMP_NUM_THREADS=1
sercli prepare emodb "$1" --partial --workspace "$2"
sercli ablate mdcnn --rows 1,3,5,6,7 --on emodb-4 --max-epochs 12 --set model.filters=32 --workspace "$2"
