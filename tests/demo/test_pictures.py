import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import tone
from matplotlib import image

from sercli.demo import pictures
from sercli.inference.predict import Predictor
from sercli.inference.recordings import Recording, dataset_of, extract, rates_of, read_whole

EXPECTED = {
    "mdcnn": ["Attention"],
    "attpool": ["Attention"],
    "eca": ["Spectrogram", "Channel weights"],
    "melcnn": ["Spectrogram"],
    "classes": ["Spectrogram"],
    "traces": ["Over time", "Spectrogram"],
}


@pytest.mark.parametrize("name", list(EXPECTED))
def test_each_network_shows_what_it_has(bundles, write_wav, tmp_path, name):
    predictor = Predictor(bundles[name])
    path = write_wav(tmp_path / "a.wav", tone(2.0))
    (said,) = predictor.predict([path])
    drawn = list(pictures.draw(predictor, path, said))
    assert [each.title for each in drawn] == EXPECTED[name]
    for each in drawn:
        kind, content = each.address.split(",")
        assert kind == "data:image/png;base64"
        pixels = image.imread(io.BytesIO(base64.b64decode(content)))
        assert pixels[..., :3].std() > 0.01
    if "Spectrogram" in EXPECTED[name]:
        says = drawn[EXPECTED[name].index("Spectrogram")].caption
        assert "no attention" in says


def test_the_attention_is_that_of_the_network_itself(bundles, write_wav, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        pictures.drawings, "attention_maps", lambda overlays, *rest: drawn.append((overlays, rest))
    )
    monkeypatch.setattr(pictures, "_address", lambda *_, **__: "")
    predictor = Predictor(bundles["attpool"])
    path = write_wav(tmp_path / "a.wav", tone(2.0))  # one segment
    (said,) = predictor.predict([path])
    list(pictures.draw(predictor, path, said))
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
    piece, when, start = pictures._choose(predictor, path, said)
    assert start == best.start
    assert when.startswith(f"{best.start:.1f} to {best.end:.1f} s, ")
    assert piece.start == pytest.approx(best.start)
    *_, spectrogram, _ = pictures.draw(predictor, path, said)
    assert spectrogram.caption.startswith(when)


def test_a_long_trace_shows_the_first_minute_of_the_spectrogram(bundles, write_wav, tmp_path, talk):
    predictor = Predictor(bundles["traces"])
    path = write_wav(tmp_path / "long.wav", talk(61.0))
    (said,) = predictor.predict([path])
    trace, spectrogram = pictures.draw(predictor, path, said)
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
    _, shown, *_ = pictures.draw(predictor, path, said)
    start, end = map(float, re.match(r"([\d.]+) to ([\d.]+) s, the window", shown.caption).groups())
    assert start > 0
    for drawn in figures[1].axes[0].images:
        left, right, *_ = drawn.get_extent()
        assert (left, right) == pytest.approx((start, end), abs=0.1)
    assert figures[1].axes[0].get_xlim() == pytest.approx((start, end), abs=0.1)
