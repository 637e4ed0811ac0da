import json
import os
import re
import threading
import time

import numpy as np
import pytest
import soundfile
from conftest import tone

from sercli.errors import ConfigError
from sercli.inference.predict import Predictor
from sercli.voice import VoiceConfig, find_speech
from sercli.web.limits import Limits


def spoken_parts(recording):
    return find_speech(recording.stream(), VoiceConfig())


def shares(html):
    """Probabilities as the page writes them, by class."""
    rows = re.findall(r'<th scope="row">(.*?)</th>.*?sercli-share">([\d.]+) %', html, re.DOTALL)
    return {name: float(share) for name, share in rows}


@pytest.mark.parametrize("name", ["mdcnn", "eca", "attpool", "classes"])
def test_the_page_says_what_the_predictor_says(listen, send, bundles, name):
    path = send(tone(2.0))
    (said,) = Predictor(bundles[name]).predict([path])
    waiting, first, last = listen(name).answer(path)
    assert "Processing" in waiting
    for html in (first, last):
        found = shares(html)
        assert list(found) == list(said.classes)
        np.testing.assert_allclose(list(found.values()), 100 * np.array(said.probabilities), atol=0.0501)
        assert f"<strong>{said.predicted}</strong>" in html
    assert ("<img" in first, "<img" in last) == (False, True)


def test_several_models_answer_one_beside_the_other(listen, send, bundles):
    path = send(tone(2.0))
    (trace,) = Predictor(bundles["traces"]).predict([path])
    *_, html = listen("mdcnn", "traces", "eca").answer(path)
    assert re.findall(r"<h3>(.*?)</h3>", html) == ["mdcnn, emodb", "diccoser, emodb", "eca, emodb"]
    for value in trace.trace.mean(axis=0):
        assert f"<strong>{value:+.2f}</strong>" in html


@pytest.mark.parametrize("name", ["values", "both"])
def test_values_of_dimensions_are_shown(listen, send, bundles, talk, name):
    path = send(talk(62.0))
    (said,) = Predictor(bundles[name]).predict([path])
    *_, html = listen(name).answer(path)
    assert len(said.values) == len(said.dimensions)
    for dimension, value in zip(said.dimensions, said.values, strict=True):
        assert re.search(rf"{dimension} <strong>{value:.2f}</strong>", html)
    assert bool(shares(html)) == (name == "both")
    assert "<strong>Over time.</strong>" in html
    assert "25 times a second" not in html


def test_unsure_and_unlike_are_told(listen, send):
    listener = listen("mdcnn")
    listener.models[0].predictor.unsure_below = 1.0
    *_, html = listener.answer(send(np.zeros(16_000, np.float32)))
    assert "Unsure: below 100.0 %" in html
    assert "Unlike the training corpus: only silence" in html
    listener.models[0].predictor.unsure_below = 0.0
    *_, html = listener.answer(send(tone(1.0)))
    assert "nsure" not in html.replace("sercli-unsure", "")


def test_an_upload_is_gone_after_its_answer_and_its_folder_too(listen, send, tmp_path):
    path = send(tone(1.0))
    answers = listen("mdcnn").answer(path)
    assert next(answers)
    assert path.exists()
    list(answers)
    assert list((tmp_path / "uploads").iterdir()) == []


def test_an_upload_is_gone_if_nobody_waits_for_the_rest(listen, send, tmp_path):
    listener = listen("mdcnn")
    answers = listener.answer(send(tone(1.0)))
    next(answers)
    next(answers)
    assert not listener.busy.locked()
    answers.close()
    assert list((tmp_path / "uploads").iterdir()) == []


def test_who_sends_the_same_is_answered_too(listen, send, tmp_path):
    listener, samples = listen("mdcnn"), tone(1.0)
    first = listener.answer(send(samples))
    next(first)
    second = listener.answer(send(samples))
    next(second)
    *_, said = first
    *_, other = second
    assert shares(other) == shares(said) != {}
    assert list((tmp_path / "uploads").iterdir()) == []


def test_what_another_sent_meanwhile_is_left_alone(listen, send):
    listener, samples = listen("mdcnn"), tone(1.0)
    answers = listener.answer(send(samples))
    next(answers)
    path = send(samples)
    path.unlink()
    send(samples)  # another file, as Gradio writes it
    list(answers)
    assert path.exists()


def test_a_slow_network_keeps_the_sweeper_off(listen, send):
    listener = listen("mdcnn")
    path = send(tone(1.0))
    os.utime(path, (0, 0))
    answers = listener.answer(path)
    next(answers)
    assert time.time() - path.stat().st_mtime < 60
    listener.last -= 1000
    assert "sercli-share" in next(answers)
    assert listener.idle_s() < 60


LONG = Limits(minutes=0.01)


@pytest.mark.parametrize(
    ("content", "limits", "message"),
    [
        (b"", None, "The file is empty (0 bytes); copy it again"),
        (b"no audio at all" * 99, None, "be read as audio. Possible formats: wav, flac"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None, "Cut short before its audio begins"),
        (tone(0.01), None, "too short to hold speech"),
        (tone(1.0), LONG, "Longer than the limit of 0.01 minutes"),
        (tone(1.0), Limits(mb=0.01), "0.0 MB; the limit is 0.01 MB"),
    ],
)
def test_what_can_t_be_answered_is_told_plainly_and_gone(listen, send, tmp_path, content, limits, message):
    path = send(content)
    *_, html = listen("mdcnn", limits=limits).answer(path)
    assert message in html
    assert 'role="alert"' in html
    assert str(tmp_path) not in html
    assert "Traceback" not in html
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_bug_of_ours_keeps_its_traceback_and_the_upload_goes_all_the_same(
    listen, send, monkeypatch, tmp_path
):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("sercli.demo.answers.draw", fail)
    with pytest.raises(ZeroDivisionError):
        list(listen("mdcnn").answer(send(tone(1.0))))
    assert list((tmp_path / "uploads").iterdir()) == []


@pytest.mark.parametrize("way", ["outside", "up", "link", "folder", "nothing", "address", "null"])
def test_nothing_but_an_upload_is_answered_or_deleted(listen, send, write_wav, tmp_path, way):
    listener = listen("mdcnn")
    precious = write_wav(tmp_path / "precious" / "a.wav")
    uploads = tmp_path / "uploads"
    (uploads / "link").symlink_to(precious)
    name = {
        "outside": str(precious),
        "up": f"{uploads}/../precious/a.wav",
        "link": str(uploads / "link"),
        "folder": str(uploads),
        "nothing": str(uploads / "gone.wav"),
        "address": "http://127.0.0.1:9/a.wav",
        "null": "\0",
    }[way]
    *_, html = listener.answer(name)
    assert "send it again" in html
    assert precious.exists()
    assert os.path.lexists(uploads / "link")


def test_kept_if_that_is_page_request_for(listen, send, tmp_path):
    keep = tmp_path / "kept"
    path = send(tone(1.0), "a.flac")
    content = path.read_bytes()
    *_, html = listen("mdcnn", "traces", keep=keep).answer(path)
    (folder,) = keep.iterdir()
    assert (folder / "recording.flac").read_bytes() == content
    first, second = json.loads((folder / "answers.json").read_text())
    assert first["file"] == "recording.flac"
    assert set(first["probabilities"]) == {"anger", "happiness", "neutral", "sadness"}
    assert set(second["mean"]) == {"arousal", "valence"}
    assert "The server keeps this recording" in html
    assert not path.exists()


def test_a_folder_that_can_t_be_written_is_told(listen, send, tmp_path):
    (tmp_path / "kept").write_text("in the way")
    *_, html = listen("mdcnn", keep=tmp_path / "kept").answer(send(tone(1.0)))
    assert "The server failed" in html


def test_a_long_recording_has_a_timeline(listen, send, talk):
    *_, html = listen("mdcnn").answer(send(talk(62.0)))
    assert "<strong>Over time.</strong> 0.0 to " in html
    assert "62.0 s of audio" in html


@pytest.fixture
def two_parts(talk):
    """Speech from 1 to 3 s and from 4.5 to 6 s, and silence."""
    quiet = np.zeros(16_000, np.float32)
    return np.concatenate([quiet, talk(2.0), quiet, quiet[:8000], talk(1.5, seed=7), quiet])


def test_only_the_spoken_parts_are_answered_if_this_is_chosen(listen, send, bundles, two_parts):
    path = send(two_parts)
    (said,) = Predictor(bundles["mdcnn"]).predict([path], turns=spoken_parts)
    _, first, last = listen("mdcnn").answer(path, spoken=True)
    np.testing.assert_allclose(list(shares(first).values()), 100 * np.array(said.probabilities), atol=0.0501)
    parts = re.findall(r'data-start="([\d.]+)" data-end="([\d.]+)"', last)
    np.testing.assert_allclose(np.array(parts, float), [(1.0, 3.0), (4.5, 6.0)], atol=0.25)
    for turn in said.windows:
        share = f"{said.classes[int(np.argmax(turn.probabilities))]} {100 * max(turn.probabilities):.1f} %"
        assert share in last
    assert "7.0 s of audio, 2 spoken parts, answered in" in last
    assert "the spoken part with the highest probability of" in last
    assert "<strong>Over time.</strong>" in last


def test_a_single_spoken_part_can_be_played(listen, send, talk):
    samples = np.concatenate([np.zeros(16_000, np.float32), talk(1.5), np.zeros(16_000, np.float32)])
    *_, html = listen("mdcnn").answer(send(samples), spoken=True)
    assert len(re.findall(r'data-start="([\d.]+)"', html)) == 1
    assert "3.5 s of audio, 1 spoken part, answered in" in html


@pytest.mark.parametrize("name", ["mdcnn", "values", "both"])
def test_a_recording_without_speech_is_given_no_emotion(listen, send, name):
    *_, html = listen(name).answer(send(np.zeros(32_000, np.float32)), spoken=True)
    assert "No speech was found in this recording, so no emotion is given." in html
    assert "sercli-share" not in html
    assert "<img" not in html
    assert "data-start" not in html
    assert html.count("download=") == 2


def test_a_model_of_values_by_frame_takes_no_parts_and_says_so(listen, send, two_parts):
    *_, html = listen("mdcnn", "traces").answer(send(two_parts), spoken=True)
    assert re.findall(r"<h3>(.*?)</h3>", html) == ["mdcnn, emodb"]
    assert "<strong>diccoser, emodb</strong>: This model follows the complete recording" in html
    *_, html = listen("traces").answer(send(two_parts), spoken=True)
    assert "clear the box and send the recording again." in html
    assert 'role="alert"' in html


def test_samples_beyond_full_scale_are_reported(listen, send, tmp_path):
    path = send(tone(1.0))
    soundfile.write(path, 3 * tone(1.0) / np.abs(tone(1.0)).max(), 16_000, subtype="FLOAT")
    *_, html = listen("mdcnn").answer(path)
    assert "scale" in html


def test_who_waits_for_the_networks_is_next_even_if_many_draw(listen):
    listener, rounds, done = listen("mdcnn"), [], threading.Event()

    def explain():
        while not done.is_set():
            with listener.drawing():
                rounds.append(len(rounds))
                time.sleep(0.005)

    threads = [threading.Thread(target=explain) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        while not rounds:
            time.sleep(0.001)
        for _ in range(5):
            before = len(rounds)
            with listener.applying(1.0) as held:
                assert held
                assert len(rounds) - before <= 2
    finally:
        done.set()
        for thread in threads:
            thread.join()
    with listener.busy, listener.applying(0.0) as held:
        assert not held
    assert not listener.busy.locked()


def test_visitors_and_models_share_the_time_for_explanations(listen, send, monkeypatch):
    monkeypatch.setattr("sercli.demo.answers._EXPLAIN_S", 3.0)
    listener, found, names = listen("mdcnn", "eca"), [], iter(["b.wav"])

    def draw(predictor, path, prediction, within_s, turn):
        found.append(within_s)
        for name in names:  # another visitor sends a recording meanwhile
            list(listener.answer(send(tone(1.0), name)))
        return ()

    monkeypatch.setattr("sercli.demo.answers.draw", draw)
    for name in ("a.wav", "c.wav"):
        list(listener.answer(send(tone(1.0), name)))
    assert found == [1.5, 0.75, 0.75, 1.5, 1.5, 1.5]


def test_limits_are_positive():
    with pytest.raises(ConfigError, match="max minutes 0: use a number above 0"):
        Limits(minutes=0)
    with pytest.raises(ConfigError, match="max mb -1"):
        Limits(mb=-1)
    with pytest.raises(ConfigError, match="max mb nan"):
        Limits(mb=float("nan"))


def test_several_recordings_of_one_person_are_answered_as_enrolled(listen, send, bundles):
    paths = [send(tone(1.0 + 0.2 * i, pitch=150 + 60 * i), f"{i}.wav") for i in range(3)]
    predictor = Predictor(bundles["speakers"])
    predictor.enrol([(path, "a") for path in paths])
    expected = list(predictor.predict(paths, ["a"] * 3))
    listener = listen("speakers")
    waiting, html = listener.answer_several(paths)
    assert "Processing" in waiting
    assert re.findall(r"<h4>(.*?)</h4>", html) == ["0.wav", "1.wav", "2.wav"]
    for part, said in zip(html.split("<h4>")[1:], expected, strict=True):
        np.testing.assert_allclose(
            list(shares(part).values()), 100 * np.array(said.probabilities), atol=0.0501
        )
    assert not any(path.exists() for path in paths)
    assert listener.models[0].predictor._groups == {}  # nothing of a visitor is kept


def test_a_single_recording_is_refused_with_what_to_do(listen, send):
    *_, html = listen("speakers").answer(send(tone(1.0)))
    assert "send two or more recordings of the same person in the tab Several recordings." in html
    *_, html = listen("speakers").answer_several([send(tone(1.0))])
    assert "one recording is not enough" in html


def test_other_models_answer_a_single_recording_beside_it(listen, send):
    *_, html = listen("mdcnn", "speakers").answer(send(tone(1.0)))
    assert re.findall(r"<h3>(.*?)</h3>", html) == ["mdcnn, emodb"]
    assert "<strong>linear, emodb</strong>: This model compares" in html


def test_recordings_that_are_too_long_together_are_refused(listen, send):
    paths = [send(tone(1.5, seed=i), f"{i}.wav") for i in range(2)]
    *_, html = listen("speakers", limits=Limits(minutes=0.03)).answer_several(paths)
    assert "0.1 minutes in all; the limit is 0.03; send fewer recordings." in html
    assert not any(path.exists() for path in paths)


def test_models_that_need_several_recordings_do_not_follow_live(listen):
    from sercli.demo.live import Live

    live = Live(listen("speakers"))
    (answer,) = live.feed(tone(2.0), 16_000)
    assert "Use the Several recordings tab instead" in answer.note
