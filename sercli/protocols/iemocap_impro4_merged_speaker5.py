"""The speaker-independent twin of the ECA-CNN paper's random folds: five pairs of actors.

Each pair is a session's; one pair is tested, the next, cyclically, is for development. Excitement
counts as happiness, as in the paper.
"""

from functools import partial

from sercli.protocols import Protocol, speaker_k_fold

PROTOCOL = Protocol(
    partial(speaker_k_fold.make, k=5),
    version=1,
    speaker_independent=True,
    has_dev=True,
    description="five pairs of actors: one tests, the next is for development; excitement merged",
    corpora=("iemocap",),
    scheme="iemocap-impro4-merged",
)
