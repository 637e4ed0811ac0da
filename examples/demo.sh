#!/usr/bin/env bash
# The main job, from the corpus to a report, on the embedded synthetic corpus. Usage: demo.sh [EPOCHS]
set -euo pipefail

export SERCLI_WORKSPACE="${SERCLI_WORKSPACE:-demo-workspace}"

run() {
  printf '\n$ %s\n' "$*"
  "$@"
}

run sercli prepare synth
run sercli features synth --kind logmel3d
# A quarter of the filters in the paper, fewer blocks and epochs: all eight folds take a minute or two,
# not hours.
run sercli train --arch mdcnn --corpus synth --max-epochs "${1:-24}" \
  --set model.filters=32 --set model.blocks=3 --set model.attention=false --set model.head=softmax \
  --set training.batch_size=8 --set training.lr=0.002
run sercli eval latest
