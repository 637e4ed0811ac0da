"""The training of the attention pooling network.

Cross-entropy, SGD with Nesterov momentum 0.9 at 0.05, divided by ten at epochs 21, 31 and 41 of 50,
weight decay 1e-4, batches of 64 segments of two seconds. An utterance's score is the mean of its
segments'. Nothing is left for development: the last epoch counts.

Source: Li et al., An Attention Pooling based Representation Learning Method for Speech Emotion
Recognition, Interspeech 2018, section 3.1.
Open in the paper: whether segments' scores are averaged before or after the softmax (here after).
Departures: none.
"""

from sercli.data.segments import ATTENTION_POOLING
from sercli.runs.training import TrainingConfig
from sercli.training import Recipe, Setting
from sercli.training._module import SERModule


class AttentionPoolingModule(SERModule):
    """Train the attention pooling network on spectrograms of two seconds."""


RECIPE = Recipe(
    AttentionPoolingModule,
    TrainingConfig(
        class_weights=False,
        optimizer="sgd",
        momentum=0.9,
        schedule="steps",
        milestones=(21, 31, 41),
        lr=0.05,
        weight_decay=1e-4,
        batch_size=64,
        max_epochs=50,
        patience=None,
        selection="last",
    ),
    settings=(Setting("iemocap", "iemocap-impro4", "leave-one-speaker-out-no-dev"),),
    features={"x": {"statistics": "none"}},
    segments=ATTENTION_POOLING,
)
