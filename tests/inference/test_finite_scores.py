"""There is no answer without finite scores."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import tone
from untrained import ALL, diccoser

from sercli.bundle import Bundle
from sercli.errors import RunError
from sercli.inference import refuse_unscored, score
from sercli.inference.export import export_programs
from sercli.inference.predict import Predictor
from sercli.inference.recordings import Piece, dataset_of, extract
from sercli.inference.streaming import Stream
from sercli.records import Problem


def _spoil(bundle, value):
    """Let a network give a score that is not finite of what begins with silence."""

    def hook(network, arguments, inputs, output):
        silent = (inputs["x"].flatten(1)[:, :5].std(dim=1) == 0).nonzero().flatten()
        output = output.clone()
        for row in silent.tolist():
            output[(row, *([0] * (output.dim() - 1)))] = value
        return output

    bundle.network.register_forward_hook(hook, with_kwargs=True)
    return bundle


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["mdcnn", "attpool", "diccoser-traces"])
def test_a_file_without_finite_scores_is_a_problem_and_the_others_are_answered(
    name, value, tmp_path, write_wav
):
    for each in ("a", "c"):
        write_wav(tmp_path / f"{each}.wav", tone(1.2))
    write_wav(tmp_path / "b.wav", np.concatenate([np.zeros(16_000, np.float32), tone(0.2)]))
    predictor = Predictor(_spoil(ALL[name](), value))
    first, second, third = predictor.predict([tmp_path / f"{each}.wav" for each in "abc"])
    assert isinstance(second, Problem)
    assert str(second).startswith(f"{tmp_path / 'b.wav'}: the network gives no finite scores")
    for said in (first, third):
        json.dumps(said.to_dict(), allow_nan=False)


def test_one_window_without_finite_scores_is_enough(tmp_path, write_wav):
    samples = np.concatenate([tone(1.0), np.zeros(16_000, np.float32), tone(1.0)])
    file = write_wav(tmp_path / "a.wav", samples)
    predictor = Predictor(_spoil(ALL["mdcnn"](), math.nan), timeline=True, window_s=1.0, hop_s=1.0)
    (said,) = predictor.predict([file])
    assert isinstance(said, Problem)


@pytest.mark.parametrize("name", ["mdcnn", "eca", "attpool", "diccoser-traces"])
def test_huge_finite_weights_give_no_answer(name, tmp_path, write_wav):
    bundle = ALL[name]()
    with torch.no_grad():
        for value in bundle.network.parameters():
            value.fill_(1e17)
    file = write_wav(tmp_path / "a.wav", tone(1.2))
    (said,) = Predictor(bundle).predict([file])
    assert isinstance(said, Problem)


@pytest.mark.parametrize("value", [1e38, -3e38, 2e18])
def test_a_bundle_of_huge_weights_is_refused(value, tmp_path, monkeypatch):
    bundle = ALL["mdcnn"]()
    with torch.no_grad():
        next(iter(bundle.network.parameters()))[-1] = value
    with pytest.raises(RunError, match=r"hold values above 1e\+18"):
        bundle.save(tmp_path / "b")
    with monkeypatch.context() as patch:  # as another program may write it
        patch.setattr("sercli.bundle.check_finite", lambda network: None)
        bundle.save(tmp_path / "b")
    with pytest.raises(RunError, match=r"hold values above 1e\+18"):
        Bundle.load(tmp_path / "b")


def test_a_network_with_another_number_of_outputs_gives_no_answer(tmp_path, write_wav):
    bundle = ALL["mdcnn"]()
    bundle = replace(bundle, outputs=replace(bundle.outputs, classes=bundle.classes[:-1]))
    count = len(bundle.classes)
    file = write_wav(tmp_path / "a.wav", tone(1.0))
    with pytest.raises(RunError, match=rf"its output is \(1, {count + 1}\); with {count} classes it must be"):
        list(Predictor(bundle).predict([file]))


def test_minus_infinity_is_no_score_though_softmax_takes_it():
    bundle = ALL["mdcnn"]()
    parts = [extract(bundle, Piece(0.0, {0: tone(0.5, seed=i)})) for i in range(2)]
    bundle.network.register_forward_hook(
        lambda network, inputs, output: torch.tensor([[0.0, -math.inf, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0]])
    )
    scores = score(bundle.network, dataset_of(bundle, parts), bundle.outputs)
    assert np.isnan(scores[0]).all()
    assert np.isfinite(scores[1]).all()
    with pytest.raises(RunError, match=r"here: the network gives no finite scores.* \(first\)$"):
        refuse_unscored(scores, ["first", "second"], "here")


def test_a_stream_ends_where_scores_are_not_finite():
    bundle = diccoser("b")
    with torch.no_grad():
        for value in bundle.network.parameters():
            value.fill_(1e17)
    with pytest.raises(RunError, match=r"at 0.00 s: the network gives no finite scores"):
        Stream(bundle).feed(tone(1.0))


def test_a_program_is_not_exported_of_a_network_without_finite_scores(tmp_path):
    bundle = replace(ALL["mdcnn"]())
    with torch.no_grad():
        for value in bundle.network.parameters():
            value.fill_(1e17)
    with pytest.raises(RunError, match=r"network\.pt2: the network gives no finite scores"):
        export_programs(bundle, tmp_path, "pt2")
