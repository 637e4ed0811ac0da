#!/bin/sh
# Class weights, balanced sampling, both or neither: a perceptron over Whisper tiny.en and over eGeMAPS.
# Needs a workspace with emodb and ravdess prepared, and Whisper tiny.en (`sercli features fetch whisper-tiny.en`).
# About 200 trainings took 50 minutes on two loaded cores; finished trials are not trained again.
# The values that are kept here are those of the rows over Whisper that were finished (`--rows 1-4`).
set -e
cd "$(dirname "$0")"
export OMP_NUM_THREADS=1

columns=emodb-4,ravdess-8,ravdess-7,ravdess-polarity # emodb-7 too, with all recordings of EMO-DB
sercli ablate class-balance --on "$columns" --seed 0-2
python measure.py
