"""Occlusion finds the places that a network looks at, whatever its features are."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from untrained import ALL, diccoser, make

from sercli import audio
from sercli.errors import ConfigError, RunError
from sercli.inference import occlusion
from sercli.inference.occlusion import explain
from sercli.inference.predict import Predictor
from sercli.inference.recordings import Piece
from sercli.processor import count_cores


class Looks(torch.nn.Module):
    """Gives the first class the mean of a rectangle of its input, and the others nothing."""

    def __init__(self, bins, frames):
        super().__init__()
        self.bins, self.frames = bins, frames

    def forward(self, x, mask=None):
        seen = x[:, 0, self.bins, self.frames].mean(dim=(1, 2))
        return torch.nn.functional.pad(seen[:, None], (0, 3))


class LooksAtSamples(torch.nn.Module):
    """Gives the first class the logarithm of the energy of some samples."""

    def forward(self, x, mask=None):
        return torch.nn.functional.pad(x[:, 0, 8_000:12_000].square().mean(dim=1).log()[:, None], (0, 3))


def noise(seconds, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, round(16_000 * seconds)).astype(np.float32)


@pytest.fixture(scope="module")
def looking():
    return make("attpool", {"x": {"kind": "spectrogram", "bins": 400}})


def place_of(value, borders):
    return int(np.searchsorted(borders, value, "right") - 1)


def test_a_network_of_one_second_and_one_band_is_explained_by_them(looking):
    choice = looking.inputs["x"]
    hertz = 4_000 / choice.shape[-1]  # of a bin
    found = explain(Predictor(looking), noise(2.0), 0)  # only for the borders of its bands
    low, high = found.hertz[3], found.hertz[4]
    start, stop = (round(second * choice.frame_rate) for second in (1.05, 1.2))
    network = Looks(slice(round(low / hertz) + 2, round(high / hertz) - 2), slice(start, stop))
    predictor = Predictor(replace(looking, network=network))
    found = explain(predictor, noise(2.0), 0)
    assert found.cells.shape == (6, 8)
    assert np.unravel_index(found.cells.argmax(), found.cells.shape) == (3, place_of(1.1, found.seconds))
    rest = np.delete(found.cells.ravel(), found.cells.argmax())
    assert np.abs(rest).max() < 0.1 * found.cells.max()
    assert found.describe()[0].startswith(f"1.00 to 1.25 s, {low:.0f} to {high:.0f} Hz")
    # For the other classes together, the same place is evidence against them.
    other = explain(predictor, noise(2.0), 1)
    assert np.unravel_index(other.cells.argmin(), other.cells.shape) == (3, 4)


def test_a_network_of_waveforms_is_explained_too():
    bundle = make("cnnlstm", {"x": {"kind": "waveform", "duration_s": 1.0}}, {"hidden_size": 8}, mean=0.0)
    bundle = replace(bundle, network=LooksAtSamples())
    found = explain(Predictor(bundle), noise(1.0), 0)
    assert set(found.cells.argmax(axis=1).tolist()) == {2}  # 0.5 to 0.75 s, in every band
    assert np.abs(np.delete(found.cells, 2, axis=1)).max() < 0.05 * found.cells.max()
    # White noise has as much energy in each hertz, so the widest band matters most.
    assert found.cells[:, 2].argmax() == np.diff(found.hertz).argmax() == 5
    share = 1 - (1 - 10 ** (-30 / 10)) * np.diff(found.hertz)[5] / 8_000  # of the energy that is left
    assert found.cells[5, 2] == pytest.approx(-np.log(share), rel=0.1)


@pytest.mark.parametrize(
    ("seconds", "most", "shape"),
    [
        (3.0, np.inf, (6, 12)),
        (60.0, np.inf, (6, 16)),
        (60.0, 95.9, (6, 15)),
        (60.0, 24.0, (6, 4)),
        (60.0, 23.0, (4, 5)),
        (60.0, 12.0, (3, 4)),
        (60.0, 11.0, (2, 5)),
        (60.0, 0.0, (2, 4)),
        (0.5, 12.0, (6, 2)),
        (0.5, 0.0, (2, 2)),
    ],
)
def test_with_little_time_cells_are_larger(seconds, most, shape):
    assert occlusion._shape(round(16_000 * seconds), most) == shape


def test_large_cells_cover_the_recording_too(looking):
    samples = noise(2.0)
    found = explain(Predictor(looking), samples, 0, within_s=0.0)
    assert found.cells.shape == (2, 4)
    assert (found.seconds[0], found.seconds[-1], found.hertz[-1]) == (0.0, 2.0, pytest.approx(8_000))
    assert found.effect.shape == found.spectrogram.shape
    # All cells together are the complete recording, 30 dB quieter.
    every = occlusion.make_quieter(samples, np.ones((2, 4), bool))
    np.testing.assert_allclose(every, samples * 10 ** (-30 / 20), atol=1e-6)


def test_others_can_use_the_network_in_between(looking, monkeypatch):
    monkeypatch.setattr(occlusion, "_TURN_S", 0.0)
    predictor, inside, turns = Predictor(looking), [], []
    score = predictor.score

    def watched(*given):
        inside.append(bool(turns and turns[-1]))
        return score(*given)

    @contextmanager
    def turn():
        turns.append(True)
        yield
        turns[-1] = False

    expected = explain(predictor, noise(1.0), 0, within_s=0.0)
    monkeypatch.setattr(predictor, "score", watched)
    found = explain(predictor, noise(1.0), 0, within_s=0.0, turn=turn)
    np.testing.assert_allclose(found.cells, expected.cells, atol=1e-6)
    assert all(inside)
    assert len(turns) >= 1 + 8 / count_cores()


def test_places_count_from_the_beginning_of_the_recording(looking):
    found = explain(Predictor(looking), noise(1.0), 0, within_s=0.0)
    own, later = found.describe(8), found.describe(8, start=10.0)
    times = [[float(each.split()[0]) for each in places] for places in (own, later)]
    assert len(own) >= 1
    np.testing.assert_allclose(times[1], np.add(times[0], 10))


def test_the_effect_covers_the_spectrogram(looking):
    found = explain(Predictor(looking), noise(1.0), 0)
    assert found.effect.shape == found.spectrogram.shape
    np.testing.assert_array_equal(found.effect[[0, 8, 47], 0], found.cells[[0, 1, 5], 0])
    assert found.effect[0, -1] == found.cells[0, -1]
    assert list(found.ticks)[:2] == [0.0, 8.0]
    assert found.ticks[48.0] == "8000"
    # The log-odds of an unchanged recording are those of its probabilities.
    (scores,) = Predictor(looking).score([piece(noise(1.0))])
    assert found.log_odds == pytest.approx(np.log(scores[0, 0] / (1 - scores[0, 0])))


def piece(samples):
    return Piece.of_samples(0.0, samples, [0])


def test_what_is_marked_matters_more_than_the_rest(small):
    """Of a trained network, checked with a fade of the samples in place of the method's own spectra."""
    plan, trial = small
    predictor, folder = Predictor(trial.bundle), plan.workspace.corpus(plan.config.corpus)
    sounds = [audio.read(folder / each.file) for each in list(plan.utterances.values())[:12]]
    differences = []
    for first in (0, 4, 8):
        samples = np.concatenate(sounds[first : first + 4])
        (scores,) = predictor.score([piece(samples)])
        target = int(scores[0].argmax())
        found = explain(predictor, samples, target)
        effect = found.cells.sum(axis=0)
        copies = []
        for patch in (effect.argmax(), effect.argmin()):
            start, stop = (round(16_000 * second) for second in found.seconds[patch : patch + 2])
            copies.append(samples.copy())
            copies[-1][start:stop] *= 10 ** (-30 / 20)
        marked, other = predictor.score([piece(each) for each in copies])
        differences.append(np.log(other[0, target] / marked[0, target]))
    assert min(differences) > 0


def test_what_can_not_be_explained_is_refused():
    with pytest.raises(ConfigError, match="predicts none"):
        explain(Predictor(diccoser()), noise(1.0), 0)
    bundle = ALL["eca"]()
    for weight in bundle.network.parameters():
        weight.data[:] = np.nan
    with pytest.raises(RunError, match="no finite scores"):
        explain(Predictor(bundle), noise(0.3), 0)
