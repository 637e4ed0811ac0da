#!/usr/bin/env bash
# Does each default lower the training loss on real recordings, and what does an alternative do?
# Fold 1 (speaker 03 tested, 08 for development) of EMO-DB's four classes, seed 0, few epochs.
#   run.sh EMODB
set -euo pipefail
sercli prepare emodb "$1" --partial

run() {
  sercli train --corpus emodb --scheme emodb-4 --fold 1 "$@"
}

run --arch mdcnn --max-epochs 4
run --arch mdcnn --max-epochs 4 --set model.embedding_activation=none
run --arch mdcnn --max-epochs 4 --set model.attention_rescale=true
run --arch mdcnn --max-epochs 4 --set model.attention=false
run --arch eca --max-epochs 3 --set training.schedule=constant
run --arch eca --max-epochs 3 --set training.schedule=constant --set training.lr=1e-4
run --arch melcnn --max-epochs 12
run --arch melcnn --max-epochs 12 --set model.layout=B
run --arch diccoser --max-epochs 6
run --arch diccoser --max-epochs 6 --set model.norm_per_branch=true
run --arch diccoser --max-epochs 6 --set model.input=logmel
run --arch cnnlstm --max-epochs 12
run --arch cnnlstm --max-epochs 12 --set model.batch_norm=true
run --arch attpool --max-epochs 12
run --arch attpool --max-epochs 12 --set model.attention_reduction=mean
run --arch attpool --max-epochs 6 --set model.attention_reduction=softmax-mean
run --arch attpool --max-epochs 6 --set features.map=min-max
