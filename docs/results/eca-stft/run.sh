#!/bin/sh
# STFT augmentation with raw and with normalised windows on EMO-DB, n = 1, one fold, looking at the development
# speaker alone. Needs a workspace with emodb prepared.
set -e
run() {
    OMP_NUM_THREADS=1 sercli train --arch eca --corpus emodb --scheme emodb-4 --protocol leave-one-speaker-out \
        --fold 1 --set model.n=1 --max-epochs 30 --set training.schedule=cosine \
        --augment stft-multi --set augment.stft-multi.each=random "$@"
}
run
run --set features.normalise_window=true --set features.floor=1e-15
