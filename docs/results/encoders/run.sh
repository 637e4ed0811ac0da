#!/bin/sh
# A linear classifier over Whisper tiny.en, eGeMAPS and ComParE, on speakers that were not seen in training.
# Layers and penalty are chosen within each training part. Needs a workspace with emodb and ravdess
# prepared, and WHISPER, the folder of openai/whisper-tiny.en (or its short name, to download it).
set -e
WHISPER=${WHISPER:-whisper-tiny.en}
C='model.c: [0.001, 0.01]'
LAYERS='model.layers: [[2], [3], [2, 3, 4]]'

table() {  # corpus scheme protocol
    for statistics in per-bin per-speaker; do
        sercli train --arch linear --corpus "$1" --scheme "$2" --protocol "$3" \
            --set features.model="$WHISPER" --set features.pool=mean-std --set features.statistics=$statistics \
            --set "training.search={$LAYERS, $C}"
        for set in eGeMAPSv02 ComParE_2016; do
            sercli train --arch linear --corpus "$1" --scheme "$2" --protocol "$3" \
                --set features.kind=opensmile --set features.set=$set \
                --set features.statistics=$statistics --set "training.search={$C}"
        done
    done
}

table emodb emodb-4 leave-one-speaker-out-no-dev
table ravdess ravdess-7 speaker-5-fold-no-dev
sercli runs
