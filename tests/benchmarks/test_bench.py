import json

import pytest
import torch
from torch import nn

from benchmarks import bench_names, get_bench
from benchmarks._case import CASES, N_CLASSES
from benchmarks._plain import moved_values, plain
from benchmarks._timing import interleaved
from benchmarks.train import operations
from sercli.models import architecture_names, get_architecture


@pytest.mark.parametrize("name", bench_names())
@pytest.mark.slow
def test_every_stage_can_be_measured(name):
    rows = get_bench(name).run(None, True)
    assert len(rows) >= 2
    assert all(row.value > 0 for row in rows)
    json.dumps([row.against for row in rows])


def test_contestants_take_turns():
    turns = []
    contestants = {name: lambda name=name: turns.append(name) for name in "ab"}
    taken = interleaved(contestants, rounds=2)
    assert turns == ["a", "b"] * 3
    assert set(taken) == {"a", "b"}


def test_the_operations_are_those_of_the_paper():
    # Multiply-accumulates at 40 x 300, counted layer by layer: 4.79 G multi-dilated, 5.23 G plain.
    entry = get_architecture("mdcnn")
    assert operations(entry, (3, 40), 300) / 2 == pytest.approx(4.79e9, rel=0.01)
    plain = {"factorised": False, "dilation": "none"}
    assert operations(entry, (3, 40), 300, **plain) / 2 == pytest.approx(5.23e9, rel=0.01)


def test_every_architecture_has_a_case():
    entries = {name: get_architecture(name) for name in architecture_names()}
    # Classifiers of one vector take no time worth measuring.
    wanted = [name for name, entry in entries.items() if entry.inputs != {"x": "pretrained"}]
    assert sorted(case.arch for case in CASES) == wanted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.arch)
def test_the_straightforward_network_is_the_same_network(case):
    entry = get_architecture(case.arch)
    with torch.device("meta"):
        ours = entry.build({"x": case.shape}, N_CLASSES, entry.config())
        theirs = plain(case.arch, case.shape, N_CLASSES)
        scores = theirs(torch.empty(2, *case.shape, case.frames))
    assert scores.shape == (2, N_CLASSES)
    counts = [sum(p.numel() for p in network.parameters()) for network in (ours, theirs)]
    assert counts[0] == counts[1]


def test_moved_values_by_hand():
    # The first reads 10 and writes 30, and going back reads both again; the second reads 30 and writes
    # 20, reads both again and writes the gradient of 30.
    network = nn.Sequential(nn.Conv1d(1, 3, 1), nn.ReLU(), nn.Conv1d(3, 2, 1))
    assert moved_values(network, torch.zeros(1, 1, 10)) == 2 * (10 + 30) + 2 * (30 + 20) + 30
