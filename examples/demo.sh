#!/usr/bin/env bash
# The main job, from corpus to figure, on the embedded synthetic corpus.
set -euo pipefail

export SERCLI_WORKSPACE="${SERCLI_WORKSPACE:-demo-workspace}"

run() {
  printf '\n$ %s\n' "$*"
  "$@"
}

run sercli prepare synth
run sercli features synth --kind logmel3d
run sercli train --arch mdcnn --corpus synth --fold 1 --max-epochs 8 --set training.batch_size=8
run sercli eval latest
