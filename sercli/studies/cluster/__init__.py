"""Trials as tasks of a Ray cluster: several machines, several trials on one GPU.

Each task runs the command that `sercli train --jobs` runs for a trial, so that the numbers are those of one
machine. The lines that the trial prints are sent back one by one. A machine that does not see the workspace
receives the parts that it needs, and sends finished trials back. The machine that starts the trials uses
`connection`, `tasks` and `parcels`; the machines that train use `node` and `process`.
"""
