#!/bin/sh
# Two courses of ECA-CNN's learning rate on EMO-DB, n = 1, one fold, looking at the development speaker alone.
# Needs a workspace with emodb prepared.
set -e
for schedule in constant cosine; do
    OMP_NUM_THREADS=1 sercli train --arch eca --corpus emodb --scheme emodb-4 --protocol leave-one-speaker-out \
        --fold 1 --set model.n=1 --max-epochs 100 --set training.schedule=$schedule
done
