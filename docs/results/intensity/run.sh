#!/bin/sh
# The intensity of RAVDESS as a dimension of utterances, on speakers that were not seen in training.
# Needs a workspace with ravdess prepared, and WHISPER, the folder of openai/whisper-tiny.en (or its short
# name, to download it). A few minutes on two cores.
set -e
cd "$(dirname "$0")"
WHISPER="${WHISPER:-whisper-tiny.en}"
common="--corpus ravdess --protocol speaker-5-fold --accelerator cpu
  --set features.kind=pretrained --set features.model=$WHISPER --set features.pool=mean"

evaluate() {  # name of the result
  sercli eval latest --no-audit
  cp "$(ls -td "${SERCLI_WORKSPACE:-sercli-workspace}"/runs/*/report | head -1)/metrics.json" "$1.json"
}

for statistics in per-bin per-speaker; do
  sercli train --arch linear --scheme strength.yaml $common --set features.statistics=$statistics
  evaluate "linear-$statistics"
done
for loss in ccc mse mae; do
  sercli train --arch mlp --scheme strength.yaml $common \
    --set features.statistics=per-speaker --set training.loss=$loss
  evaluate "mlp-$loss"
done
