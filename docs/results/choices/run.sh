#!/usr/bin/env bash
# DiCCOSER and CNN-LSTM on log-mel at full size: one factor at a time, three seeds. Finished trials are not trained again.
# Usage: run.sh EMODB WORKSPACE
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
export OMP_NUM_THREADS=1
sercli prepare emodb "$1" --partial --workspace "$2"
sercli ablate "$here/diccoser.yaml" --seed 0-2 --workspace "$2" --rows DiCCOSER --rows CNN-LSTM
python "$here/reestimate.py" "$2"
sercli ablate "$here/diccoser.yaml" --seed 0-2 --workspace "$2"
