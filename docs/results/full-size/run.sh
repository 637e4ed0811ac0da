#!/usr/bin/env bash
# The papers' networks at full size on EMO-DB and RAVDESS. Finished trials are not trained again; all rows take months
# on one core, so name those to train. Usage: run.sh EMODB RAVDESS WORKSPACE ROW [ROW...]
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
emodb=$1 ravdess=$2 workspace=$3
shift 3
export OMP_NUM_THREADS=1
sercli prepare emodb "$emodb" --partial --workspace "$workspace"
sercli prepare ravdess "$ravdess" --partial --workspace "$workspace"
rows=()
for row in "$@"; do rows+=(--rows "$row"); done
for corpus in emodb ravdess; do
  sercli ablate "$here/$corpus.yaml" --seed 0-2 "${rows[@]}" --workspace "$workspace"
  study=$(ls -td "$workspace/reports/study-$corpus-"* | head -n 1)
  cp "$study/table.md" "$here/$corpus.md"
  cp "$study/metrics.json" "$here/$corpus.json"
  python "$here/trials.py" "$here/$corpus.yaml" "$workspace" "$here/trials-$corpus.csv"
done
