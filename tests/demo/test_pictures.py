import base64
import io
import re
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import tone
from matplotlib import image

from sercli.demo import pictures
from sercli.inference.occlusion import explain
from sercli.inference.predict import Predictor
from sercli.inference.recordings import Recording, dataset_of, extract, rates_of, read_whole
from sercli.records import Turn

EXPECTED = {
    "mdcnn": ["Attention"],
    "attpool": ["Attention"],
    "eca": ["Explanation", "Channel weights"],
    "melcnn": ["Explanation"],
    "classes": ["Explanation"],
    "traces": ["Over time", "Spectrogram"],
}


@pytest.mark.parametrize("name", list(EXPECTED))
def test_each_network_shows_what_it_has(bundles, write_wav, tmp_path, name):
    predictor = Predictor(bundles[name])
    path = write_wav(tmp_path / "a.wav", tone(2.0))
    (said,) = predictor.predict([path])
    drawn = pictures.draw(predictor, path, said, 0.0)
    assert [each.title for each in drawn] == EXPECTED[name]
    for each in drawn:
        kind, content = each.address.split(",")
        assert kind == "data:image/png;base64"
        pixels = image.imread(io.BytesIO(base64.b64decode(content)))
        assert pixels[..., :3].std() > 0.01
        assert (each.title in {"Attention", "Explanation"}) == ("not why a person sounds so" in each.caption)
        assert (each.title == "Spectrogram") == ("Networks without classes are not explained" in each.caption)


def test_the_attention_is_that_of_the_network_itself(bundles, write_wav, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        pictures.drawings, "attention_maps", lambda overlays, *rest: drawn.append((overlays, rest))
    )
    monkeypatch.setattr(pictures, "_address", lambda *_, **__: "")
    predictor = Predictor(bundles["attpool"])
    path = write_wav(tmp_path / "a.wav", tone(2.0))  # one segment
    (said,) = predictor.predict([path])
    pictures.draw(predictor, path, said, 0.0)
    (((overlay,), (_, neutral)),) = drawn
    data = dataset_of(
        predictor.bundle, [extract(predictor.bundle, read_whole(Recording(path), rates_of(predictor.bundle)))]
    )
    batch = data[[0]]
    with torch.inference_mode():
        logits = predictor.bundle.network(**batch.inputs, mask=batch.mask)
    # The mean over all places is the logit of the class that is told, but for the pooled places, of which
    # some are repeated over one bin or frame more than others.
    own = said.classes.index(said.predicted)
    np.testing.assert_allclose(np.nanmean(overlay.attention), logits[0, own].item(), rtol=2e-2)
    assert neutral == 0.0


def test_of_windows_the_clearest_is_looked_into(bundles, write_wav, tmp_path, talk):
    predictor = Predictor(bundles["eca"], timeline=True)
    path = write_wav(tmp_path / "long.wav", talk(20.0))
    (said,) = predictor.predict([path])
    own = said.classes.index(said.predicted)
    best = max(said.windows, key=lambda window: window.probabilities[own])
    shown = pictures._choose(predictor, path, said)
    assert shown.start == best.start
    assert shown.when.startswith(f"{best.start:.1f} to {best.end:.1f} s, ")
    assert shown.piece.start == pytest.approx(best.start)
    *_, explanation, _ = pictures.draw(predictor, path, said, 0.0)
    assert explanation.caption.startswith(shown.when)
    # The window is predicted as it was, and the places count from the start of the recording.
    found = explain(predictor, shown.piece.sound, own, within_s=0.0)
    assert found.log_odds == pytest.approx(
        np.log(best.probabilities[own] / (1 - best.probabilities[own])), abs=1e-4
    )
    first, *_ = found.describe(start=best.start)
    assert first in explanation.caption
    assert best.start <= float(first.split()[0]) < best.end


def test_of_spoken_parts_the_clearest_is_looked_into(bundles, write_wav, tmp_path, talk):
    predictor = Predictor(bundles["eca"])
    path = write_wav(tmp_path / "a.wav", np.concatenate([np.zeros(16_000), talk(1.5), np.zeros(16_000)]))
    (said,) = predictor.predict([path], turns=lambda _: (Turn(0.5, 1.0), Turn(1.0, 2.5)))
    own = said.classes.index(said.predicted)
    best = max(said.windows, key=lambda turn: turn.probabilities[own])
    shown = pictures._choose(predictor, path, said)
    assert "the spoken part with the highest probability" in shown.when
    assert shown.piece.samples == pytest.approx(16_000 * (best.end - best.start))
    drawn = pictures.draw(predictor, path, said, 0.0)
    assert [each.title for each in drawn] == ["Over time", *EXPECTED["eca"]]
    (said,) = predictor.predict([path], turns=lambda _: ())
    assert pictures.draw(predictor, path, said, 0.0) == ()


def test_the_networks_are_left_while_an_answer_is_explained(bundles, write_wav, tmp_path):
    predictor, taken = Predictor(bundles["eca"]), []

    @contextmanager
    def turn():
        assert not (taken and taken[-1])  # never within another turn
        taken.append(True)
        yield
        taken[-1] = False

    path = write_wav(tmp_path / "a.wav", tone(2.0))
    (said,) = predictor.predict([path])
    pictures.draw(predictor, path, said, 0.0, turn)
    assert taken == [False] * len(taken)
    assert len(taken) >= 4  # what is drawn before, the recording itself, its copies, the drawing


def test_a_long_trace_shows_the_first_minute_of_the_spectrogram(bundles, write_wav, tmp_path, talk):
    predictor = Predictor(bundles["traces"])
    path = write_wav(tmp_path / "long.wav", talk(61.0))
    (said,) = predictor.predict([path])
    trace, spectrogram = pictures.draw(predictor, path, said, 0.0)
    assert spectrogram.caption.startswith("The first 60 s.")
    assert "arousal" in trace.caption


@pytest.mark.parametrize("name", ["mdcnn", "eca"])
def test_the_axis_of_a_window_counts_from_the_recordings_beginning(
    bundles, write_wav, tmp_path, talk, monkeypatch, name
):
    figures = []

    def keep(figure, kind):
        figures.append(figure)
        return ""

    monkeypatch.setattr(pictures, "to_data_uri", keep)
    predictor = Predictor(bundles[name])
    path = write_wav(tmp_path / "a.wav", talk(62.0))
    (said,) = predictor.predict([path])
    first = replace(said.windows[0], probabilities=(0.0,) * len(said.classes))
    said = replace(said, windows=(first, *said.windows[1:]))
    _, shown, *_ = pictures.draw(predictor, path, said, 0.0)
    start, end = map(float, re.match(r"([\d.]+) to ([\d.]+) s, the window", shown.caption).groups())
    assert start > 0
    for drawn in figures[1].axes[0].images:
        left, right, *_ = drawn.get_extent()
        assert (left, right) == pytest.approx((start, end), abs=0.1)
    assert figures[1].axes[0].get_xlim() == pytest.approx((start, end), abs=0.1)
