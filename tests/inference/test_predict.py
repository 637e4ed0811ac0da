import csv
import io
import itertools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from conftest import SMALL, tone
from encoded import encode, to_mp3, to_pcm
from untrained import ALL, diccoser, make

from sercli import audio
from sercli.acoustics import LEAST_RECORDINGS, Usual, measure
from sercli.bundle import Bundle
from sercli.errors import AudioError, ConfigError, ManifestError, RunError
from sercli.evaluation.predictions_csv import read_predictions
from sercli.inference.inputs import Inputs, find_bundle, list_recordings, predict_inputs, read_table
from sercli.inference.predict import Predictor
from sercli.inference.prediction import Prediction, Window
from sercli.inference.recordings import (
    PREPARED,
    Piece,
    Recording,
    level_db,
    rates_of,
    read_pieces,
    read_whole,
)
from sercli.inference.writing import CsvLines, to_json
from sercli.preparation import prepare
from sercli.records import Problem
from sercli.tasks import Outputs
from sercli.voice import VoiceConfig
from sercli.workspace import Workspace


def prepared_files(plan, ids):
    folder = plan.workspace.corpus(plan.config.corpus)
    return [folder / plan.utterances[name].file for name in ids]


def one(predictor, path):
    (said,) = predictor.predict([path])
    assert isinstance(said, Prediction), said
    return said


@pytest.mark.parametrize("name", ["small", "segmented"])
def test_probabilities_are_those_of_eval(request, name):
    plan, trial = request.getfixturevalue(name)
    table = read_predictions(trial.predictions_file)
    said = list(Predictor(trial.bundle, batch_size=5).predict(prepared_files(plan, table.ids)))
    np.testing.assert_allclose([each.probabilities for each in said], table.probabilities, atol=1e-5)
    assert [each.predicted for each in said] == [table.classes[i] for i in table.predicted]
    assert not any(each.windows for each in said)


def test_an_own_mean_of_each_utterance_and_half_precision_are_kept(train):
    plan, trial = train(SMALL | {"features": {"statistics": "per-utterance", "number": "float16"}})
    table = read_predictions(trial.predictions_file)
    said = list(Predictor(trial.bundle).predict(prepared_files(plan, table.ids)))
    np.testing.assert_allclose([each.probabilities for each in said], table.probabilities, atol=1e-5)


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (16_000, 2), (8_000, 1)])
def test_the_original_recording_gives_what_the_prepared_one_does(small, tmp_path, rate, channels):
    _, trial = small
    sides = np.stack([tone(0.5, rate, seed=side) for side in range(channels)], axis=1)
    original = tmp_path / "emodb" / "wav" / "03a01Fa.wav"
    original.parent.mkdir(parents=True)
    soundfile.write(original, 0.01 * sides, rate, subtype="PCM_24")  # quiet: rounding to 16 bits shows
    workspace = Workspace(tmp_path / "w")
    prepare("emodb", tmp_path / "emodb", workspace, partial=True)
    prepared = workspace.corpus("emodb") / "audio" / "03a01Fa.wav"
    assert soundfile.info(prepared).subtype == "PCM_16"
    mine, theirs = Predictor(trial.bundle).predict([original, prepared])
    np.testing.assert_allclose(mine.probabilities, theirs.probabilities, atol=1e-5)


@pytest.mark.parametrize("arch", ["mdcnn", "cnnlstm"])
def test_many_recordings_at_once_are_answered_as_one_by_one_and_in_order(arch, tmp_path, write_wav):
    predictor = Predictor(ALL[arch](), batch_size=3)
    lengths = [0.5, 1.1, 0.3, 0.8] * 4  # more than are sorted together
    paths = [
        write_wav(tmp_path / f"{i:02}.wav", tone(each, pitch=90 + 20 * i)) for i, each in enumerate(lengths)
    ]
    paths[5] = tmp_path / "missing.wav"
    said = list(predictor.predict(paths))
    assert [each.place if isinstance(each, Problem) else each.file for each in said] == list(map(str, paths))
    alone = [one(predictor, path).probabilities for i, path in enumerate(paths) if i != 5]
    together = [each.probabilities for each in said if isinstance(each, Prediction)]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.ptp(together, axis=0).max() > 1e-3


def test_an_endless_list_is_answered_from_what_is_a_bounded_number_of_recordings_ahead(
    small, tmp_path, write_wav, monkeypatch
):
    monkeypatch.setattr("sercli.inference.predict.count_cores", lambda: 2)
    path, drawn = write_wav(tmp_path / "a.wav", tone(0.3)), itertools.count()
    found = Predictor(small[1].bundle).predict(path for _ in drawn)
    next(found)
    ahead = next(drawn)
    assert all(isinstance(next(found), Prediction) for _ in range(300))
    assert next(drawn) - ahead < 400  # as many as were answered, and no more are waiting
    found.close()


def test_a_short_number_format_changes_the_probabilities_a_little(tmp_path, write_wav):
    bundle = ALL["melcnn"]()
    path = write_wav(tmp_path / "a.wav", tone(2.0))
    exact = one(Predictor(bundle), path).probabilities
    short = one(Predictor(bundle, precision="bf16-mixed"), path).probabilities
    assert short != exact
    np.testing.assert_allclose(short, exact, atol=0.05)


def test_values_by_frame_are_those_of_eval(regressor):
    plan, trial = regressor
    table = read_predictions(trial.predictions_file)
    said = list(Predictor(trial.bundle).predict(prepared_files(plan, table.ids)))
    assert said
    for each, expected in zip(said, table.predicted, strict=True):
        np.testing.assert_allclose(each.trace, expected, atol=1e-5)
        assert each.dimensions == ("arousal", "valence")
        assert each.predicted is each.unsure is None


def test_a_long_recording_of_values_is_the_same_in_pieces(regressor, tmp_path, monkeypatch):
    _, trial = regressor
    soundfile.write(tmp_path / "long.wav", np.concatenate([tone(3.5, seed=s) for s in range(3)]), 16_000)
    whole = one(Predictor(trial.bundle), tmp_path / "long.wav")
    monkeypatch.setattr("sercli.inference.recordings._TRACE_PIECE_S", 4.0)  # 4 + 4 + 2.5 s
    pieces = one(Predictor(trial.bundle), tmp_path / "long.wav")
    assert whole.trace.shape == pieces.trace.shape == (262, 2)  # 10.5 s, 25 a second
    # The rest that no whole window holds is held by the whole, and a window of its own in pieces.
    np.testing.assert_allclose(pieces.trace[:250], whole.trace[:250], atol=1e-5)


@pytest.mark.parametrize("model", [("a", "logmel"), ("b", "logmel"), ("d", "raw")])
def test_the_last_frames_of_a_piece_see_what_follows_it(model, tmp_path, monkeypatch):
    bundle = diccoser(*model)
    samples = np.concatenate(
        [tone(1.0, pitch=100 * s, seed=s)[::-1] for s in range(1, 8)]
    )  # loud at each end
    soundfile.write(tmp_path / "long.wav", samples[:-7000], 16_000)
    whole = one(Predictor(bundle), tmp_path / "long.wav")
    monkeypatch.setattr("sercli.inference.recordings._TRACE_PIECE_S", 2.0)
    pieces = one(Predictor(bundle), tmp_path / "long.wav")
    assert len(list(read_pieces(Recording(tmp_path / "long.wav"), [PREPARED], 2.0, 2.0, align=False))) == 4
    np.testing.assert_allclose(pieces.trace, whole.trace, atol=1e-4)


@pytest.mark.parametrize("rest", [1, 639, 1000, 1599, 1601])
def test_a_rest_too_short_for_the_network_belongs_to_the_piece_before(rest, tmp_path, monkeypatch):
    bundle = make(
        "cnnlstm", {"x": {"kind": "waveform"}}, {"hidden_size": 8, "task": "regression"}, traces=True
    )
    monkeypatch.setattr("sercli.inference.recordings._TRACE_PIECE_S", 1.0)
    soundfile.write(tmp_path / "a.wav", tone(2 + rest / 16_000), 16_000)
    said = one(Predictor(bundle), tmp_path / "a.wav")
    assert said.trace.shape == (round((2 + rest / 16_000) * 25), 2)
    assert said.duration == pytest.approx(2 + rest / 16_000)
    assert np.isfinite(said.trace).all()


def test_what_follows_a_window_goes_with_it(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", tone(1.03), 16_000)
    samples = audio.read(tmp_path / "a.wav")
    stream = audio.stream
    monkeypatch.setattr(audio, "stream", lambda *source, **span: stream(*source, block_s=0.013, **span))
    cut = {"align": False, "after_s": 0.02, "least_s": 0.1}
    pieces = list(read_pieces(Recording(tmp_path / "a.wav"), [PREPARED], 0.25, 0.25, **cut))
    assert [piece.samples for piece in pieces] == [4000, 4000, 4000, 4480]
    assert [len(piece.after[PREPARED]) for piece in pieces] == [320, 320, 320, 0]
    np.testing.assert_array_equal(np.concatenate([p.audio[PREPARED] for p in pieces]), samples)
    np.testing.assert_array_equal(pieces[0].after[PREPARED], samples[4000:4320])


def test_windows_are_predicted_as_files_of_their_own(small, tmp_path, write_wav):
    _, trial = small
    samples = np.concatenate([tone(0.5, pitch=pitch) for pitch in (110, 320, 110)])
    predictor = Predictor(trial.bundle, timeline=True, window_s=0.5, hop_s=0.4)
    said = one(predictor, write_wav(tmp_path / "a.wav", samples))
    assert [(each.start, each.end) for each in said.windows] == [
        (0.0, 0.5), (0.4, 0.9), (0.8, 1.3), (1.0, 1.5),  # the last ends with the file
    ]  # fmt: skip
    for window in said.windows:
        part = samples[round(window.start * 16_000) : round(window.end * 16_000)]
        alone = one(Predictor(trial.bundle), write_wav(tmp_path / "part.wav", part))
        np.testing.assert_allclose(window.probabilities, alone.probabilities, atol=1e-4)
    np.testing.assert_allclose(said.probabilities, np.mean([w.probabilities for w in said.windows], axis=0))


def test_the_middles_of_windows_part_the_stretches():
    windows = [
        Window(start, start + 4, probabilities)
        for start, probabilities in [(0, (0.9, 0.1)), (2, (0.7, 0.3)), (4, (0.2, 0.8)), (5, (0.4, 0.6))]
    ]
    said = Prediction("a.wav", 9.0, ("anger", "fear"), (0.55, 0.45), windows=tuple(windows))
    # Middles 2, 4, 6, 7: the class changes between 4 and 6.
    first, second = said.stretches
    assert (first.start, first.end, first.predicted, first.windows) == (0.0, 5.0, "anger", (0, 2))
    assert (second.start, second.end, second.predicted, second.windows) == (5.0, 9.0, "fear", (2, 4))
    assert (first.probability, second.probability) == pytest.approx((0.8, 0.7))
    assert said.spans == ((0.0, 3.0), (3.0, 5.0), (5.0, 6.5), (6.5, 9.0))


def test_more_than_a_minute_is_cut_unless_it_is_forbidden(small, tmp_path, write_wav):
    _, trial = small
    path = write_wav(tmp_path / "a.wav", tone(61, rate=16_000))
    said = one(Predictor(trial.bundle), path)
    assert (len(said.windows), said.windows[-1].end) == (30, 61.0)  # 4 s every 2 s, one with the end
    assert one(Predictor(trial.bundle, timeline=False), path).windows == ()


def test_a_bundle_of_segments_says_how_long_windows_are(segmented):
    predictor = Predictor(segmented[1].bundle)
    assert (predictor.window_s, predictor.hop_s) == (0.2, 0.08)
    longer = Predictor(segmented[1].bundle, window_s=1.0)
    assert (longer.window_s, longer.hop_s) == (1.0, 0.5)


def test_windows_read_in_blocks_are_those_of_the_whole(tmp_path, monkeypatch):
    samples = tone(1.0, rate=22_050)
    soundfile.write(tmp_path / "a.wav", samples, 22_050, subtype="FLOAT")
    whole = read_whole(Recording(tmp_path / "a.wav"), [PREPARED, 22_050]).audio
    np.testing.assert_array_equal(whole[22_050], samples)
    np.testing.assert_array_equal(
        whole[PREPARED], audio.round_to_pcm16(audio.resample(samples, 22_050, 16_000))
    )
    stream = audio.stream
    monkeypatch.setattr(audio, "stream", lambda *source, **span: stream(*source, block_s=0.013, **span))
    pieces = list(read_pieces(Recording(tmp_path / "a.wav"), [PREPARED, 22_050], 0.3, 0.2, align=True))
    assert [piece.start for piece in pieces] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.7])
    for piece in pieces:
        for rate, found in piece.audio.items():
            first = round(piece.start * (rate or 16_000))
            assert len(found) == round(0.3 * (rate or 16_000))
            np.testing.assert_array_equal(found, whole[rate][first : first + len(found)])
    rests = list(read_pieces(Recording(tmp_path / "a.wav"), [PREPARED], 0.3, 0.3, align=False))
    assert [piece.samples for piece in rests] == [4800, 4800, 4800, 1600]


def test_features_of_the_original_read_it_at_its_rate(train, tmp_path):
    _, trial = train({"arch": "melcnn", "training": {"max_epochs": 1}})
    bundle = Bundle.load(trial.bundle)
    (name,) = bundle.inputs
    choice = bundle.inputs[name]
    original = replace(
        bundle,
        inputs={name: choice.with_settings(original=True)},
    )
    soundfile.write(tmp_path / "a.wav", tone(0.5, rate=22_050), 22_050, subtype="FLOAT")
    one(Predictor(original), tmp_path / "a.wav")
    piece = read_whole(Recording(tmp_path / "a.wav"), [22_050])
    from sercli.inference.recordings import extract

    expected = choice.feature.extract(tone(0.5, rate=22_050), original.inputs[name].config)
    np.testing.assert_array_equal(extract(original, piece).features[name], expected)


def test_bad_files_are_told_and_the_rest_go_on(small, tmp_path, write_wav):
    _, trial = small
    good = write_wav(tmp_path / "good.wav")
    (tmp_path / "text.wav").write_text("no audio at all")
    (tmp_path / "empty.wav").write_bytes(b"")
    write_wav(tmp_path / "nan.wav", np.full(8000, np.nan, np.float32), subtype="FLOAT")
    late = tone(70)
    late[-5:] = np.nan
    write_wav(tmp_path / "late.wav", late, subtype="FLOAT")
    write_wav(tmp_path / "short.wav", tone(0.05))
    write_wav(tmp_path / "cancel.wav", np.stack([tone(), -0.95 * tone()], axis=1))
    names = ["text", "empty", "nan", "late", "short", "absent", "cancel"]
    said = list(Predictor(trial.bundle).predict([good, *(tmp_path / f"{n}.wav" for n in names), good]))
    assert [isinstance(each, Problem) for each in said] == [False, *(7 * [True]), False]
    facts = dict(zip(names, (each.fact for each in said[1:-1]), strict=True))
    assert "not readable as audio" in facts["text"]
    assert facts["empty"] == "the file is empty (0 bytes); copy it again"
    assert facts["nan"] == facts["late"] == "holds values that are not numbers (NaN or infinity)"
    assert facts["short"].startswith("holds nothing: 800 samples, 0.05 s")
    assert facts["absent"] == "no such file"
    assert "its channels are averaged, because they cancel" in facts["cancel"]


def test_one_path_is_a_list_of_one_recording(small, tmp_path, write_wav):
    path = write_wav(tmp_path / "a.wav")
    predictor = Predictor(str(small[1].bundle))
    expected = one(predictor, path).probabilities
    for given in (path, str(path), Recording(path)):
        assert [found.probabilities for found in predictor.predict(given)] == [expected]


def test_samples_in_memory_have_the_scores_of_their_file(small, tmp_path, write_wav):
    path = write_wav(tmp_path / "a.wav")
    predictor = Predictor(small[1].bundle)
    piece = Piece.of_samples(0.0, audio.read(str(path)), rates_of(predictor.bundle))
    (scores,) = predictor.score([piece])
    np.testing.assert_allclose(scores[0], one(predictor, path).probabilities, rtol=1e-6)


@pytest.mark.parametrize(
    ("recordings", "speakers", "told"),
    [
        ([np.zeros(16_000)], None, "a recording is a path .* not of type ndarray; for samples .* use score"),
        (["a.wav", "b.wav"], ["Ann"], "recordings: 2, speakers: 1; give"),
        (["a.wav"], ["Ann", "Bob"], "recordings: 1, speakers: 2; give"),
        ("a.wav", "Ann", "speakers='Ann': give a list"),
    ],
)
def test_recordings_and_speakers_that_do_not_fit_are_refused(small, recordings, speakers, told):
    with pytest.raises(ConfigError, match=told):
        list(Predictor(small[1].bundle).predict(recordings, speakers))


def test_unsure_needs_a_threshold_and_the_bundle_may_have_one(small, tmp_path, write_wav):
    bundle = Bundle.load(small[1].bundle)
    path = write_wav(tmp_path / "a.wav")
    assert one(Predictor(bundle), path).unsure is None
    known = replace(bundle, facts={**bundle.facts, "threshold": 0.99})
    assert one(Predictor(known), path).unsure is True
    assert one(Predictor(known, unsure_below=0.1), path).unsure is False


def test_silence_and_what_is_beyond_the_usual_acoustics_are_told(small, segmented, tmp_path, write_wav):
    bundle = Bundle.load(small[1].bundle)
    path = write_wav(tmp_path / "a.wav")
    usual = Usual.of([measure(audio.read(path))] * LEAST_RECORDINGS)
    known = replace(bundle, usual=usual)
    assert one(Predictor(known), path).unlike is None
    for name, samples, fact in (
        ("quiet", 0.05 * audio.read(path), "quieter ("),
        ("noise", np.random.default_rng(1).normal(0, 0.1, 16_000), "more sound above 4 kHz (-3 dB"),
    ):
        other = write_wav(tmp_path / f"{name}.wav", np.asarray(samples, np.float32))
        told = one(Predictor(known), other).unlike
        assert told.startswith("unlike the training corpus: ")
        assert fact in told
        assert one(Predictor(replace(bundle, usual=None)), other).unlike is None
    silence = write_wav(tmp_path / "silence.wav", np.zeros(8000, np.float32))
    for _, trial in (small, segmented):
        assert one(Predictor(trial.bundle), silence).unlike.startswith(
            "unlike the training corpus: only silence"
        )


def test_a_trained_bundle_has_the_acoustics_of_its_training_part(small):
    _, trial = small
    bundle = Bundle.load(trial.bundle)
    assert bundle.usual is not None
    assert bundle.usual.count == trial.metrics()["utterances"]["train"]


@pytest.mark.parametrize("arch", sorted(ALL))
def test_what_is_next_to_silent_is_marked_whatever_the_features(arch, tmp_path, write_wav):
    predictor = Predictor(ALL[arch]())
    speech, random = tone(1.5, pitch=180), np.random.default_rng(1)
    lead = np.concatenate([1e-4 * tone(1.0), np.zeros(8000, np.float32)])
    for name, samples, subtype in (
        ("quiet", 1e-4 * speech, "PCM_16"),
        ("float", 1e-5 * speech, "FLOAT"),
        ("one-bit", random.integers(-1, 2, 24_000) / 32768, "PCM_16"),
        ("two-bit", random.integers(-3, 4, 24_000) / 32768, "PCM_16"),
        ("then-nothing", lead, "FLOAT"),
    ):
        path = write_wav(tmp_path / f"{name}.wav", np.asarray(samples, np.float32), subtype=subtype)
        assert one(predictor, path).unlike is not None, name
    for level in (1.0, 0.1, 0.01):
        path = write_wav(tmp_path / "usual.wav", level * speech)
        assert "almost silent" not in (one(predictor, path).unlike or "")


def test_the_level_is_that_of_the_loudest_40_ms_by_hand():
    samples = np.zeros(16_000, np.float32)
    samples[3200:3840] = 0.01  # its square is 1e-4: -40 dB
    assert level_db(samples, 640) == pytest.approx(-40, abs=1e-4)
    assert level_db(samples[3200:3210], 640) == pytest.approx(-40 - 10 * np.log10(64), abs=1e-4)
    assert level_db(samples[:0], 640) == level_db(samples[:100], 640) == -200


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"window_s": 0.01}, "window_s=0.01: use 0.1 to 3600 s"),
        ({"window_s": float("inf")}, "window_s=inf: use 0.1 to 3600 s"),
        ({"window_s": float("nan")}, "window_s=nan: use 0.1 to 3600 s"),
        ({"hop_s": float("inf")}, "hop_s=inf: use 0.1 to 3600 s"),
        ({"hop_s": 5.0}, "hop_s=5: longer than a window of 4 s"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"unsure_below": 1.5}, "unsure_below=1.5"),
    ],
)
def test_a_wrong_setting_is_told(small, options, told):
    with pytest.raises(ConfigError, match=told.replace("(", r"\(")):
        Predictor(small[1].bundle, **options)


def test_windows_and_continuous_labels_do_not_go_together(regressor):
    with pytest.raises(ConfigError, match="gives values by frame"):
        Predictor(regressor[1].bundle, window_s=2.0)


def test_a_bundle_is_found_by_folder_trial_and_run(small, place, tmp_path):
    plan, trial = small
    for name in (trial.bundle, trial.path, plan.run.path, plan.run.name):
        assert find_bundle(place, str(name)).resolve() == trial.bundle.resolve()
    (plan.run.path / "fold-09" / "seed-0").mkdir(parents=True)
    shutil.rmtree(plan.run.path / "fold-09")
    half = tmp_path / "half"
    half.mkdir()
    (half / "weights.safetensors").touch()
    with pytest.raises(RunError, match="not a complete bundle"):
        find_bundle(place, str(half))


def test_folders_are_searched_and_lists_read(tmp_path, write_wav):
    for name in ("b/x.WAV", "a.flac", ".hidden.wav"):
        write_wav((tmp_path / name).with_suffix(".wav")).rename(tmp_path / name)
    (tmp_path / "notes.txt").touch()
    found = list_recordings([str(tmp_path), "-"], [f"{tmp_path / 'a.flac'}\n", "\n", "c.mp3\n"])
    assert [path.name for path in found.files] == ["a.flac", "x.WAV", "c.mp3"]
    (tmp_path / "none").mkdir()
    with pytest.raises(AudioError, match="no recordings"):
        list_recordings([str(tmp_path / "none")])


def test_what_a_folder_holds_beside_recordings_is_noted(tmp_path):
    for name in ("a.wav", "a.mp4", "trail.wav ", "b/notes.txt", "w/corpora/x/.lock", "w/corpora/x/a.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / "b" / "x.wav")
    (tmp_path / "b" / "up").symlink_to("..")
    found = list_recordings([str(tmp_path)] * 2)
    assert found.files == (tmp_path / "a.wav",)
    assert found.notes == (
        f"{tmp_path}/w: a workspace, which holds prepared copies; left out",
        f"{tmp_path}/b/up: leads to a folder above or to one that is read already; not followed",
        f"{tmp_path}/b/x.wav: not a file; left out",
        f"{tmp_path}: 2 files without an audio suffix (.txt, .wav ); left out",
        f"{tmp_path}: left out: a.mp4, because a.wav is beside it; rename it if it is another recording",
    )
    with pytest.raises(AudioError, match=r"b: no recordings; .* \(.*b/x.wav: not a file; left out; .*\)"):
        list_recordings([str(tmp_path / "b")])


def test_a_table_keeps_its_columns(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('speaker,file\n"a, b",x.wav\nc,sub/y.wav\n')
    found = read_table(path)
    assert found.files == (tmp_path / "x.wav", tmp_path / "sub/y.wav")
    assert (found.columns, found.rows[0]) == (("speaker", "file"), ("a, b", "x.wav"))
    said = Prediction("x.wav", 1.0, ("anger", "fear"), (0.25, 0.75), unsure_below=0.8)
    lines = CsvLines(Outputs(said.classes), "files", found.columns)
    text = "\n".join([lines.header, *lines.lines(said, found.rows[0])])
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["speaker"], row["predicted"], row["p(anger)"], row["unsure"]) == (
        "a, b", "fear", "0.25", "yes",
    )  # fmt: skip
    told = json.loads(to_json(said, found.columns, found.rows[0]))
    assert told["table"] == {"speaker": "a, b", "file": "x.wav"}
    assert told["probabilities"] == {"anger": 0.25, "fear": 0.75}


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("t.csv", "sep=;\nPath;who\nsub\\größe.wav;Ann\n", "utf-16"),
        ("t.tsv", "Path\twho\nC:\\data\\sub\\GRÖßE.wav\tAnn\n", "latin-1"),
        ("t.jsonl", '{"Path": "sub/größe", "who": "Ann"}\n', "utf-8"),
        ("t.json", '[{"Path": "sub/gro\u0308ße.wav", "who": "Ann"}]', "utf-8"),
    ],
)
def test_a_table_of_any_program_is_read(tmp_path, name, text, encoding):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/größe.wav").touch()
    (tmp_path / name).write_bytes(text.encode(encoding))
    found = read_table(tmp_path / name)
    assert found.files == (tmp_path / "sub/größe.wav",)
    assert (found.columns, found.rows[0][1]) == (("Path", "who"), "Ann")
    assert any("file <- Path" in note for note in found.notes)
    assert read_table(tmp_path / name, {"file": "path"}) == read_table(tmp_path / name, {"file": "Path"})


def test_segments_of_a_table_are_predicted_as_recordings_of_their_own(small, tmp_path, write_wav):
    predictor = Predictor(small[1].bundle)
    samples = np.concatenate([tone(0.5, pitch=110.0), tone(0.7, pitch=320.0, seed=1)])
    write_wav(tmp_path / "long.wav", samples)
    write_wav(tmp_path / "first.wav", audio.read(tmp_path / "long.wav")[:8000])
    write_wav(tmp_path / "second.wav", audio.read(tmp_path / "long.wav")[8000:])
    (tmp_path / "t.csv").write_text(
        "wav;start;end\nlong.wav;0;0,5\nlong.wav;00:00:00,5;\nlong.wav;;\nlong.wav;1;9\nnone.wav;0;1\n"
    )
    numbers, found = zip(*predict_inputs(predictor, read_table(tmp_path / "t.csv")), strict=True)
    assert numbers == tuple(range(len(found)))
    *parts, whole, beyond, missing = found
    alone = list(predictor.predict([tmp_path / "first.wav", tmp_path / "second.wav", tmp_path / "long.wav"]))
    for part, each in zip([*parts, whole], alone, strict=True):
        assert (part.file, part.duration) == (str(tmp_path / "long.wav"), each.duration)
        np.testing.assert_allclose(part.probabilities, each.probabilities, atol=1e-6)
    assert beyond.place == str(tmp_path / "long.wav")
    assert beyond.fact.startswith("can't cut out 1 to 9 s")
    assert missing.place == str(tmp_path / "none.wav")


def test_times_in_a_part_count_from_its_start(small, tmp_path, write_wav):
    spoken = [np.zeros(8000, np.float32), tone(1.0), np.zeros(16_000, np.float32), tone(1.0, pitch=300.0)]
    write_wav(tmp_path / "long.wav", np.concatenate([tone(2.0, seed=1), *spoken]))
    write_wav(tmp_path / "part.wav", np.concatenate(spoken))
    (tmp_path / "t.csv").write_text("file,start,end\nlong.wav,2,\n")
    inputs = read_table(tmp_path / "t.csv")
    predictor = Predictor(small[1].bundle, timeline=True, window_s=1.0)
    for turns in (None, VoiceConfig()):
        ((_, part),) = predict_inputs(predictor, replace(inputs, turns=turns))
        ((_, alone),) = predict_inputs(predictor, Inputs((tmp_path / "part.wav",), turns=turns))
        assert len(part.windows) == (6 if turns is None else 2)
        assert part.to_dict() == replace(alone, file=part.file, offset_s=2.0).to_dict()


@pytest.mark.parametrize(
    ("name", "rate", "channels", "subtype", "gain"),
    [
        ("a.wav", 16_000, 1, "PCM_16", 1),
        ("a.wav", 16_000, 2, "PCM_16", 1),
        ("a.wav", 16_000, 1, "FLOAT", 1),
        ("a.wav", 44_100, 2, "FLOAT", 5),  # beyond full scale
        ("a.flac", 24_000, 1, "PCM_24", 1),
        ("a.ogg", 22_050, 2, "VORBIS", 1),
    ],
)
def test_a_part_of_a_file_has_the_samples_that_prepare_cuts_out(
    workspace, tmp_path, name, rate, channels, subtype, gain
):
    samples = np.stack([gain * tone(2.5, rate=rate, seed=seed) for seed in range(channels)], axis=1)
    soundfile.write(tmp_path / name, samples, rate, subtype=subtype)
    spans = [(0.1234, 0.7), (None, 1.5), (2.0, None)]
    rows = [f"{number},{name},sad,{start or ''},{end or ''}" for number, (start, end) in enumerate(spans)]
    (tmp_path / "t.csv").write_text("\n".join(["id,file,emotion,start,end", *rows]))
    made = prepare("csv", tmp_path / "t.csv", workspace, name="mine").utterances
    for utterance, (start, end) in zip(made, spans, strict=True):
        piece = read_whole(Recording(tmp_path / name, start, end), [PREPARED, 11_025])
        prepared = audio.read(workspace.corpus("mine") / utterance.file)
        np.testing.assert_array_equal(piece.audio[PREPARED], prepared)
        own, header = audio.decode(tmp_path / name, start, end)
        np.testing.assert_array_equal(piece.audio[11_025], audio.resample(own, rate, 11_025))
        assert piece.note == header.note
        assert bool(piece.note) == (gain > 1)


def test_a_part_of_a_part_ends_with_it(tmp_path, write_wav):
    path = write_wav(tmp_path / "a.wav", tone(2.0))
    part = Recording(path, 0.5, 1.5)
    assert part.header().frames == 16_000
    assert part.cut(0.25, 0.5) == Recording(path, 0.75, 1.0)
    assert part.cut(0.25, 1.001) == Recording(path, 0.75, 1.5)
    np.testing.assert_array_equal(
        np.concatenate(list(part.cut(0.25, 0.5).stream())), audio.read(path)[12_000:16_000]
    )


def test_rows_that_mean_the_same_recording_are_noted(tmp_path):
    (tmp_path / "t.csv").write_text("file,left,right\na.wav,0.5,1\nb.wav,0,1\na.wav,1,2\n")
    (note,) = read_table(tmp_path / "t.csv").notes
    assert note == (
        "t.csv: several rows have the same file and no start and end, and the same prediction (a.wav: 2 "
        "rows); columns that are not used: left, right; if they hold times, name them with --column "
        "start=COLUMN --column end=COLUMN"
    )
    assert not read_table(tmp_path / "t.csv", {"start": "left", "end": "right"}).notes[1:]


def test_times_of_a_table_that_are_none_are_named(tmp_path):
    (tmp_path / "t.csv").write_text("file,start\na.wav,soon\n")
    with pytest.raises(ManifestError, match=r"t\.csv:2: start 'soon' is not a time; write seconds"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("", ManifestError, "holds no rows"),
        ("file\n", ManifestError, "holds no rows"),
        (
            "name,x\na,b\n",
            ConfigError,
            "no column 'file'; the columns are name, x; name the right one with --column",
        ),
        ("file,x\na.wav\n", ManifestError, ":2: 1 cells for 2 columns"),
        ("file,file\na,b\n", ManifestError, "two columns are called 'file'"),
    ],
)
def test_a_damaged_table_is_told(tmp_path, text, kind, told):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(kind, match=told):
        read_table(tmp_path / "t.csv")


def test_a_column_that_is_ours_is_refused():
    with pytest.raises(ConfigError, match=r"column 'predicted' .* rename it in the table, or give --json"):
        CsvLines(Outputs(("anger",)), "files", ("file", "predicted"))


def test_prediction_needs_no_lightning():
    code = "import sys, sercli.inference.predict; print('lightning' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_whatever_is_wrong_with_one_file_the_others_are_answered(small, tmp_path, write_wav):
    _, trial = small
    bad = {
        "b.raw": to_pcm(tone()),
        "c.m4a": b"\0\0\0\x1cftypM4A " + bytes(99),
        "d.wav": encode(tone(), "WAV")[:30],
        "e.caf": encode(tone(2.0), "CAF")[:-20_000],
        "f.mp3": to_mp3(tone(2.0))[:2000],
        "g.flac": b"fLaC" + bytes(60),
        "h.ogg": b"OggS" + bytes(60),
        "i.aiff": b"FORM\0\0\0\0AIFF" + b"\xff" * 60,
        "j.au": b"words",
        "k.sph": b"NIST_1A\n   1024\n" + bytes(60),
        "l.w64": b"riff" + bytes(20) + b"wave" + b"\xff" * 60,
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "m.wav")
    (tmp_path / "n.wav").mkdir()
    write_wav(tmp_path / "o.wav", np.full(16_000, 1e38), subtype="FLOAT")
    names = [*bad, "m.wav", "n.wav", "o.wav", "\ud800.wav", "nul\0.wav", f"{'x' * 300}.wav"]
    good = write_wav(tmp_path / "a.wav")
    paths = [each for name in names for each in (good, tmp_path / name)]
    said = list(Predictor(trial.bundle).predict(paths))
    assert [isinstance(each, Problem) for each in said] == [False, True] * len(names)
    assert all(str(tmp_path) not in each.fact for each in said if isinstance(each, Problem))


def test_a_file_that_vanishes_is_a_problem_of_its_own(small, tmp_path, write_wav, monkeypatch):
    _, trial = small
    paths = [write_wav(tmp_path / f"{name}.wav") for name in "abc"]
    look = audio.header

    def look_and_lose(path, **span):
        found = look(path, **span)
        if path == paths[1]:
            path.unlink()
        return found

    monkeypatch.setattr(audio, "header", look_and_lose)
    said = list(Predictor(trial.bundle).predict(paths))
    assert said[1] == Problem(str(paths[1]), "no such file")
    assert [isinstance(each, Prediction) for each in said] == [True, False, True]


def test_a_recording_beyond_full_scale_gives_what_its_preparation_does(small, tmp_path):
    _, trial = small
    for name, samples in (("03a01Fa", 6 * tone()), ("03a02Fa", np.round(30_000 * tone()))):
        place = tmp_path / "emodb" / "wav" / f"{name}.wav"
        place.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(place, samples, 16_000, subtype="FLOAT")
    workspace = Workspace(tmp_path / "w")
    prepare("emodb", tmp_path / "emodb", workspace, partial=True)
    originals = sorted((tmp_path / "emodb" / "wav").iterdir())
    prepared = [workspace.corpus("emodb") / "audio" / each.name for each in originals]
    predictor = Predictor(trial.bundle)
    mine, theirs = list(predictor.predict(originals)), list(predictor.predict(prepared))
    assert [each.probabilities for each in mine] == [each.probabilities for each in theirs]
    assert [each.note is None for each in mine + theirs] == [False, False, True, True]
    assert json.loads(to_json(mine[0]))["note"].endswith("divided by the peak")
    assert "note" not in json.loads(to_json(theirs[0]))


def test_a_folder_holds_recordings_of_formats_that_are_not_read_too(tmp_path):
    for name in ("a.wav", "b.sph", "c.m4a", "d.webm", "e/f.WMA", "notes.txt", "a.mp4", "._c.m4a"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    files = list_recordings([str(tmp_path)]).files
    assert [each.name for each in files] == ["a.wav", "b.sph", "c.m4a", "d.webm", "f.WMA"]
