"""IEMOCAP's improvised dialogs in five random parts: **not speaker independent**, no dev part.

Excitement counts as happiness: 2943 utterances. ``iemocap-impro4-merged-speaker5`` is the
speaker-independent twin.

Source: the ECA-CNN paper (arXiv 2409.04007), section V-C.
Open in the paper: the draw (here: shuffled with seed 0, as scikit-learn's ``KFold`` does it).
"""

from functools import partial

from sercli.protocols import Protocol, random_k_fold
from sercli.protocols._random import SHARES

PROTOCOL = Protocol(
    partial(random_k_fold.make, k=5),
    version=1,
    speaker_independent=False,
    has_dev=False,
    description="five random parts of the utterances, excitement merged, not speaker independent",
    corpora=("iemocap",),
    scheme="iemocap-impro4-merged",
    papers={"iemocap": "ECA-CNN: the paper does not say whether pooled or mean over folds"},
    shares=SHARES,
)
