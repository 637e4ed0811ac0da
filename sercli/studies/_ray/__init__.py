"""Trials as tasks of a Ray cluster: several machines, several trials on one GPU.

Each task runs the command that `sercli train --jobs` runs for a trial, so that numbers are those of one
machine. What it says comes back line by line. A machine that does not see the workspace is sent what it
needs, and its trials' folders come back whole. `cluster`, `tasks` and `parcels` are of the machine that
orders, `node`, `process` and `unpacking` of those that train.
"""
