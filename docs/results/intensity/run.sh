#!/bin/sh
# The intensity of RAVDESS as a dimension of utterances, on speakers that were not seen in training.
# Needs a workspace with ravdess prepared, and WHISPER, the folder of openai/whisper-tiny.en (or its short
# name, to download it). A few minutes on two cores; finished trials are not trained again.
set -e
cd "$(dirname "$0")"
WHISPER="${WHISPER:-whisper-tiny.en}"
place="${SERCLI_WORKSPACE:-sercli-workspace}"

train() {  # name of the result, then options
  result="$1"
  shift
  set -- --corpus ravdess --scheme strength.yaml --protocol speaker-5-fold --accelerator cpu \
    --set features.kind=pretrained --set features.model="$WHISPER" --set features.pool=mean "$@"
  sercli train "$@"
  run=$(sercli train "$@" --dry-run | sed -n 's/^run *//p')
  sercli eval "$run" --no-audit
  cp "$place/runs/$run/report/table.csv" "$result.csv"
}

for statistics in per-bin per-speaker; do
  train "linear-$statistics" --arch linear --set features.statistics=$statistics
done
losses=
for loss in ccc mse mae; do
  train "mlp-$loss" --arch mlp --set features.statistics=per-speaker --set training.loss=$loss
  losses="$losses $run"
done
sercli compare $losses
cp "$(ls -td "$place"/reports/compare-mlp-* | head -n 1)/table.csv" losses.csv
