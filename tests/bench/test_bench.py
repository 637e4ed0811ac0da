import json

import pytest

from sercli.bench import bench_names, get_bench
from sercli.bench._timing import interleaved
from sercli.bench.train import operations
from sercli.models.mdcnn import MDCNNConfig


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
    assert operations(MDCNNConfig(), 300) / 2 == pytest.approx(4.79e9, rel=0.01)
    plain = MDCNNConfig(factorised=False, dilation="none")
    assert operations(plain, 300) / 2 == pytest.approx(5.23e9, rel=0.01)
