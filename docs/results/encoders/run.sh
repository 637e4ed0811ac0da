#!/bin/sh
# Small classifiers over Whisper tiny.en, eGeMAPS and ComParE, on speakers that were not seen in training.
# Needs a workspace with emodb and ravdess prepared, and WHISPER, the folder of openai/whisper-tiny.en
# (or its short name, to download it). About two hours on two cores; finished trials are not trained again.
set -e
cd "$(dirname "$0")"
export WHISPER="${WHISPER:-whisper-tiny.en}"
export OMP_NUM_THREADS=1

python measure.py best            # settings chosen within each training part; the picture of the README
python measure.py features        # the three features against each other
python measure.py wide            # each single layer as a candidate too
python measure.py networks        # against the networks at full size (../full-size/run.sh), on the same folds
python measure.py speakers        # statistics per speaker against those of the training part, tested
python measure.py random          # what a random split reports for the same classifiers
python measure.py calm ravdess    # calm merged into neutral before or after the training
python measure.py probe           # SUPERB's head, three seeds
python measure.py heads           # against the linear classifier
python measure.py superb emodb    # and its own recipe, one seed
python measure.py cross           # the other corpus, four classes
python measure.py groups          # few utterances of a speaker, unbalanced classes
python measure.py padding emodb   # Whisper's recordings padded to 30 s
python picture.py

sercli train --arch finetune --corpus emodb --scheme emodb-4 --protocol leave-one-speaker-out \
  --set model.encoder="$WHISPER" --set model.first_layer=3
sercli eval latest
cp "${SERCLI_WORKSPACE:-sercli-workspace}"/runs/finetune-emodb-4-*/report/metrics.json finetune-emodb.json

sercli ablate layers --on emodb-4:leave-one-speaker-out-no-dev,ravdess-7 --set features.model="$WHISPER"
study=$(ls -td "${SERCLI_WORKSPACE:-sercli-workspace}"/reports/study-layers-* | head -n 1)
cp "$study/columns.png" layers.png
cp "$study/table.md" layers.md
