#!/usr/bin/env bash
# MDCNN as in the paper (2,098,210 parameters) on EMO-DB, four classes, one fold.
# CORPUS names the folder that holds wav/.
set -euo pipefail
sercli prepare emodb "$CORPUS" --partial
sercli train --arch mdcnn --corpus emodb --scheme emodb-4 --fold 1 --max-epochs 40 \
  --set training.batch_size=16 --set training.patience=12
sercli eval latest
