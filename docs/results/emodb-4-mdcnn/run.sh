#!/usr/bin/env bash
# MDCNN with a quarter of the paper's filters on EMO-DB, four classes, all ten speakers.
# CORPUS names the folder that holds wav/.
set -euo pipefail
sercli prepare emodb "$CORPUS" --partial
sercli train --arch mdcnn --corpus emodb --scheme emodb-4 --max-epochs 40 \
  --set model.filters=32 --set training.batch_size=16 --set training.lr=0.002 --set training.patience=15
sercli eval latest
