"""Each architecture learns eight real utterances by heart."""

import numpy as np
import pytest
import torch
from torch.optim.swa_utils import update_bn

from sercli.config import merge
from sercli.data import UtteranceDataset
from sercli.devices import Device
from sercli.inference import score
from sercli.models import architecture_names, get_architecture
from sercli.preparation import prepare
from sercli.processor import keep_freed_memory
from sercli.training.fit import build_module
from sercli.training.folds import load_parts
from sercli.training.plan import make_plan
from sercli.training.settings import configure
from sercli.training.trials import compute_features
from sercli.workspace import Workspace

CPU = Device("cpu")
# Rounding differs between processors, and with it the number of steps: finetune takes up to 135.
STEPS, EVERY = 300, 5

# Learning by heart is what dropout is there to prevent. Attention pooling's rate is for batches of 64.
# Fewer filters, and log-mel instead of samples, take a tenth of the time.
CHANGES = {
    "melcnn": {"model": {"dropout": 0.0}},
    "diccoser": {"model": {"dropout": 0.0, "input": "logmel"}},
    "cnnlstm": {"model": {"dropout": 0.0, "input": "logmel"}},
    "mdcnn": {"model": {"filters": 32}},
    "attpool": {"training": {"lr": 0.01}},
    "probe": {"training": {"lr": 0.02}},
    "finetune": {"training": {"encoder_lr": 0.003}},
}
# A classifier that is solved is compared with scikit-learn's optimum instead.
TRAINED = [name for name in architecture_names() if get_architecture(name).solve is None]


@pytest.fixture(scope="module")
def workspace(recordings_folder, tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("overfit"))
    prepare("emodb", recordings_folder / "emodb", workspace, partial=True)
    return workspace


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_it_learns_eight_utterances_by_heart(name, workspace):
    settings = {"arch": name, "corpus": "emodb", "scheme": "emodb-4", "augment": {}}
    settings = merge(settings, CHANGES.get(name, {}))
    settings = merge(settings, {"training": {"precision": "32-true"}})
    plan = make_plan(configure(settings, workspace, CPU), workspace, "1")
    compute_features(plan)
    keep_freed_memory()
    parts = load_parts(plan, 1)
    labels = plan.selection.labels
    chosen = {
        each
        for label in plan.selection.classes
        for each in [name for name in parts.fold.train if labels[name] == label][:2]
    }
    whole = parts.train
    rows = [row for row, utterance in enumerate(whole.ids) if utterance in chosen]
    eight = UtteranceDataset(
        {key: [arrays[row] for row in rows] for key, arrays in whole.inputs.items()},
        whole.statistics,
        [int(whole.classes[row]) for row in rows],
        [whole.ids[row] for row in rows],
        whole.finish,
    )
    target = [plan.selection.classes.index(labels[each]) for each in dict.fromkeys(eight.ids)]
    module = build_module(plan, parts, seed=0)
    optimizer = module.make_optimizer()
    batch = eight[range(len(eight))]
    assert len(set(eight.ids)) == 8
    for step in range(1, STEPS + 1):
        module.train()
        loss = module.batch_loss(module(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % EVERY:
            continue
        update_bn([batch], module)  # else running statistics lag behind by dozens of steps
        right = np.concatenate(score(module.network, eight, module.outputs)).argmax(1) == target
        module.network.to(memory_format=torch.channels_last)
        if right.all():
            return
    pytest.fail(f"after {STEPS} steps {right.sum()} of 8 are right, loss {loss.item():.3f}")
