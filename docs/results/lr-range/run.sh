#!/bin/sh
# The range test of the learning rate on EMO-DB with small networks, on the development speaker alone.
# Needs a workspace with emodb prepared.
set -e
test_rates() {
    OMP_NUM_THREADS=1 sercli train --corpus emodb --scheme emodb-4 --protocol leave-one-speaker-out --fold 1 \
        --lr-range-test "$@"
}
test_rates --arch eca --set model.n=1
test_rates --arch mdcnn --set model.filters=8
test_rates --arch mdcnn --set model.filters=8 --set model.head=softmax
