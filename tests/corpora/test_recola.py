from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from conftest import tone
from corpora.trees import build_avec, build_recola, write, write_gold, write_raters

from sercli.corpora._ratings import gold_standard
from sercli.corpora.recola import CORPUS, RecolaConfig, parse, read_trace
from sercli.errors import ConfigError, CorpusError
from sercli.records import Problem, Utterance

RATINGS = "RECOLA-Annotation/emotional_behaviour"
GOLD = "ratings_gold_standard"
NO_RECORDING = "ratings without a recording: RECOLA-Audio-recordings/P17.wav is missing"
CENTRED = "each centred on the agreement-weighted mean of all (AVEC 2016)"


def split(root, **options):
    found = list(parse(root, RecolaConfig(**options)))
    problems = [item for item in found if isinstance(item, Problem)]
    return [item for item in found if isinstance(item, Utterance)], problems


def trace_of(root, **options):
    """The trace of the first recording."""
    utterances, _ = split(root, **options)
    return read_trace(root, utterances[0], RecolaConfig(**options))


@pytest.fixture
def one_rater(tmp_path):
    """Lay out P16 with these texts for its files, or these (times, values) of one rater."""

    def build(arousal, valence=None):
        build_recola(tmp_path, ["P16"])
        for dimension, content in (("arousal", arousal), ("valence", valence or arousal)):
            path = tmp_path / RATINGS / dimension / "P16.csv"
            if isinstance(content, str):
                write(path, content)
            else:
                write_raters(path, content[0], np.reshape(content[1], (-1, 1)))
        return tmp_path

    return build


def test_the_full_database_is_read(tmp_path):
    utterances, problems = split(build_recola(tmp_path, ["P17", "P16"]))
    assert problems == []
    assert utterances[0] == Utterance(
        id="recola/P16",
        corpus="recola",
        file="RECOLA-Audio-recordings/P16.wav",
        speaker="P16",
        style="improvised",
        trace=f"{RATINGS}/arousal/P16.csv",
        trace_method=f"mean of 3 raters, {CENTRED}; lag 0 s",
    )
    assert [u.speaker for u in utterances] == ["P16", "P17"]
    trace = read_trace(tmp_path, utterances[0], RecolaConfig())
    assert trace.shape == (51, 2)  # 2 s and the label at their end
    assert trace.dtype == np.float32


def test_the_release_of_avec_is_read(tmp_path):
    utterances, problems = split(build_avec(tmp_path))
    assert [(u.id, u.speaker, u.session, u.dialog) for u in utterances] == [
        ("recola/dev_1", "dev_1", None, None),
        ("recola/train_1", "train_1", None, None),
    ]
    fact = "no labels: those of the test part were not released"
    assert problems == [Problem("recordings_audio/test_1.wav", fact, harmless=True)]
    assert utterances[1].trace == f"{GOLD}/arousal/train_1.arff"
    assert utterances[1].trace_method == "gold standard of the release; lag 0 s"
    raters, _ = split(tmp_path, gold="raters", centring="none", lag_s=2.4)
    assert raters[1].trace == "ratings_individual/arousal/train_1.csv"
    assert raters[1].trace_method == "mean of 3 raters; lag 2.4 s"
    # The builder's gold standard is the raters' plain mean, whose ratings have two decimals.
    plain = RecolaConfig(gold="raters", centring="none")
    made, released = read_trace(tmp_path, raters[1], plain), read_trace(tmp_path, utterances[1])
    np.testing.assert_allclose(made, released, rtol=0, atol=0.005)


def test_what_a_release_lacks_is_said(tmp_path):
    build_recola(tmp_path / "full")
    (problem,) = parse(tmp_path / "full", RecolaConfig(gold="file"))
    assert problem == Problem(
        "RECOLA-Audio-recordings", "this release has no gold standard; choose gold=raters"
    )
    avec = build_avec(tmp_path / "avec", ["train_1"])
    (avec / GOLD).rename(avec / "elsewhere")
    (by_raters,), _ = split(avec)
    assert by_raters.trace == "ratings_individual/arousal/train_1.csv"
    (problem,) = parse(avec, RecolaConfig(gold="file"))
    lacking = f"{GOLD}/arousal/train_1.arff and {GOLD}/valence/train_1.arff"
    assert problem == Problem("recordings_audio/train_1.wav", f"no ratings: {lacking} missing")


def test_a_gold_standard_that_one_recording_lacks_is_not_made_of_its_raters(tmp_path):
    build_avec(tmp_path, ["train_1", "train_2"])
    (tmp_path / GOLD / "valence" / "train_2.arff").unlink()
    utterances, problems = split(tmp_path)
    assert [u.id for u in utterances] == ["recola/train_1"]
    fact = f"no ratings: {GOLD}/valence/train_2.arff missing"
    assert problems == [
        Problem("recordings_audio/train_2.wav", fact),
    ]


def test_folders_may_be_spelled_otherwise_or_lie_one_deeper(tmp_path):
    root = build_recola(tmp_path / "RECOLA", ["P16"])
    (root / "RECOLA-Audio-recordings").rename(root / "recola-audio-recordings")
    (root / RATINGS / "valence").rename(root / RATINGS / "Valence")
    (found,), problems = split(tmp_path)
    assert problems == []
    assert found.file == "RECOLA/recola-audio-recordings/P16.wav"
    assert read_trace(tmp_path, found).shape == (51, 2)
    build_recola(tmp_path / "copy", ["P16"])
    (problem,) = parse(tmp_path)
    assert "more than one copy of the corpus (RECOLA, copy)" in problem.fact


@pytest.mark.parametrize("below", [".", "deeper"])
def test_both_releases_in_one_folder_are_one_problem(tmp_path, below):
    build_avec(build_recola(tmp_path / below))
    (problem,) = parse(tmp_path)
    both = "RECOLA-Audio-recordings and recordings_audio"
    assert problem == Problem(below, f"both releases of the corpus ({both}); give the folder of one")


def test_what_does_not_belong_is_a_problem(tmp_path):
    build_recola(tmp_path)
    (tmp_path / "RECOLA-Audio-recordings" / "noise.wav").touch()
    (tmp_path / "RECOLA-Audio-recordings" / "._P16.wav").touch()
    (tmp_path / "RECOLA-Audio-recordings" / "P17.wav").unlink()
    (tmp_path / RATINGS / "arousal" / "._P16.csv").touch()
    utterances, problems = split(tmp_path)
    assert [u.id for u in utterances] == ["recola/P16"]
    assert problems == [
        Problem("RECOLA-Audio-recordings/noise.wav", "not a RECOLA recording such as P16.wav"),
        Problem(f"{RATINGS}/arousal/P17.csv", NO_RECORDING),
        Problem(f"{RATINGS}/valence/P17.csv", NO_RECORDING),
    ]


def test_a_bad_header_is_a_problem_of_its_recording(tmp_path):
    build_recola(tmp_path)
    write(tmp_path / RATINGS / "valence" / "P16.csv", "seconds;FM1\n0.00;0.1\n")
    utterances, (problem,) = split(tmp_path)
    assert [u.id for u in utterances] == ["recola/P17"]
    place = f"{RATINGS}/valence/P16.csv:1"
    assert problem == Problem(place, "the header 'seconds;FM1' is not like 'time;FM1;FM2'")


def test_a_dimension_with_fewer_raters_is_named(tmp_path):
    build_recola(tmp_path, ["P16"])
    write_raters(tmp_path / RATINGS / "valence" / "P16.csv", [0, 0.04], [[0.1], [0.2]])
    (found,), _ = split(tmp_path, centring="none")
    assert found.trace_method == "mean of 3 (arousal) and 1 (valence) raters; lag 0 s"


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="lag_s"):
        RecolaConfig(lag_s=11)
    with pytest.raises(ConfigError, match="centring"):
        CORPUS.chosen({"centring": "ewe"})


def test_centring_by_hand():
    # Equal shapes at means 0.2, 0.4, 0.8. With the variance v = 0.08/3 the concordance of two is
    # 2v / (2v + d^2): 4/7 for d = 0.2, 4/31 for d = 0.6, 1/4 for d = 0.4.
    ratings = np.array([[0.0, 0.2, 0.6], [0.2, 0.4, 0.8], [0.4, 0.6, 1.0]])
    pairs = Fraction(4, 7), Fraction(4, 31), Fraction(1, 4)
    weights = pairs[0] + pairs[1], pairs[0] + pairs[2], pairs[1] + pairs[2]
    centre = sum(w * mean for w, mean in zip(weights, (2, 4, 8), strict=True)) / sum(weights) / 10
    assert float(centre) == pytest.approx(0.40606, abs=1e-5)
    expected = np.array([-0.2, 0.0, 0.2]) + float(centre)
    np.testing.assert_allclose(gold_standard(ratings, "agreement"), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(gold_standard(ratings, "none"), np.array([0.8, 1.4, 2.0]) / 3, atol=1e-12)


def test_a_rater_who_contradicts_the_others_has_no_say_in_the_centre():
    # The third falls where the others rise: -1/4 with each, so its weight is 0 and the centre 0.2.
    ratings = np.array([[0.0, 0.0, 0.8], [0.2, 0.2, 0.6], [0.4, 0.4, 0.4]])
    expected = np.array([-0.2, 0.0, 0.2]) / 3 + 0.2
    np.testing.assert_allclose(gold_standard(ratings, "agreement"), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "ratings",
    [
        [[0.0, 0.6], [0.4, 0.2]],  # the one falls where the other rises
        [[0.0, 0.2, 0.4], [0.2, 0.4, 0.2], [0.4, 0.6, 0.0]],  # the second: 4/7 and -4/7
        [[0.1, 0.1], [0.1, 0.1]],  # both flat
        [[0.1, 0.3], [0.1, 0.3]],
        [[0.3], [0.5]],  # alone
    ],
)
def test_where_nobody_agrees_all_raters_count_alike(ratings):
    expected = np.mean(ratings, axis=1)
    np.testing.assert_allclose(gold_standard(np.array(ratings), "agreement"), expected, rtol=0, atol=1e-12)


def test_centring_agrees_with_a_plain_loop():
    rng = np.random.default_rng(0)
    ratings = 0.1 * np.cumsum(rng.normal(size=(200, 6)), axis=0) / 3 + rng.uniform(-0.3, 0.3, 6)

    def ccc(x, y):
        return 2 * np.mean((x - x.mean()) * (y - y.mean())) / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)

    columns = list(ratings.T)
    weights = [
        max(0, np.mean([ccc(x, y) for j, y in enumerate(columns) if j != i])) for i, x in enumerate(columns)
    ]
    assert 0 in weights
    assert sum(w > 0 for w in weights) > 1
    centre = sum(w * x.mean() for w, x in zip(weights, columns, strict=True)) / sum(weights)
    expected = [np.mean([x[t] - x.mean() for x in columns]) + centre for t in range(200)]
    np.testing.assert_allclose(gold_standard(ratings, "agreement"), expected, rtol=0, atol=1e-12)


def test_every_label_of_five_minutes_is_kept(one_rater):
    times = np.arange(7501) * 0.04
    values = np.round(np.sin(times), 2)
    trace = trace_of(one_rater((times, values), (times, -values)))
    np.testing.assert_array_equal(trace, np.stack([values, -values], axis=1).astype(np.float32))


def test_arousal_comes_first_and_gold_standards_are_read_as_they_are(tmp_path):
    build_avec(tmp_path, ["train_1"])
    write_gold(tmp_path / GOLD / "arousal" / "train_1.arff", [0, 0.04, 0.08], [0.1, -0.000001, 1])
    write_gold(tmp_path / GOLD / "valence" / "train_1.arff", [0, 0.04, 0.08], [-0.1, 0.25, -1])
    expected = np.float32([[0.1, -0.1], [-0.000001, 0.25], [1, -1]])
    np.testing.assert_array_equal(trace_of(tmp_path), expected)


@pytest.mark.parametrize(("step", "rows"), [(0.1, 26), (0.02, 26), (0.04, 26), (0.5, 26)])
def test_other_rates_are_interpolated_to_25_hz(one_rater, step, rows):
    times = np.arange(round(1 / step) + 1) * step
    trace = trace_of(one_rater((times, times), (times, -times)))
    expected = np.arange(rows) * 0.04
    np.testing.assert_allclose(trace, np.stack([expected, -expected], axis=1), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("lag", "expected"),
    [(0, [0, 0.1, 0.2, 0.3]), (0.08, [0.2, 0.3, 0.3, 0.3]), (0.02, [0.05, 0.15, 0.25, 0.3]), (10, [0.3] * 4)],
)
def test_the_lag_moves_labels_back_and_repeats_the_last(one_rater, lag, expected):
    trace = trace_of(one_rater(([0, 0.04, 0.08, 0.12], [0, 0.1, 0.2, 0.3])), lag_s=lag)
    np.testing.assert_allclose(trace[:, 0], expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    "text",
    [
        "time;FM1 ;FM2 \n0.00;0.1;0.3\n0.04;0.2;0.4\n",
        "\ufefftime;FM1;FM2\r\n0,00;0,1;0,3\r\n0,04;0,2;0,4\r\n\r\n",
        "\n Time ; FM1;FM2;\n0;+0.1; 0.3;\n.04;2e-1;0.4;",
    ],
)
def test_rating_files_may_be_written_otherwise(one_rater, text):
    trace = trace_of(one_rater(text), centring="none")
    np.testing.assert_allclose(trace[:, 0], [0.2, 0.3], rtol=0, atol=1e-7)


BARE = (
    "@attribute Instance_name string\n@attribute frameTime numeric\n@attribute GoldStandard numeric\n@data\n"
    "train_1,0.00,0.2\n\ntrain_1,0.04,0.3\n"
)
TABS = (
    "% note\r\n\r\n@ATTRIBUTE\t'GOLDSTANDARD'\tNUMERIC\r\n@Attribute FrameTime real\r\n\r\n@DATA\r\n"
    "\r\n0.2,\t0.00\r\n0.3\t0.04\r\n"
)


@pytest.mark.parametrize("text", [BARE, TABS])
def test_gold_standards_may_be_written_otherwise(tmp_path, text):
    build_avec(tmp_path, ["train_1"])
    for dimension in ("arousal", "valence"):
        write(tmp_path / GOLD / dimension / "train_1.arff", text)
    np.testing.assert_allclose(trace_of(tmp_path)[:, 1], [0.2, 0.3], rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("time;FM1\n0.00;0.1\n0.04;nan\n", ":3: 'nan' at 0.04 s is not a number"),
        ("time;FM1\n0.00;0.1\n\n0.04;\n", ":4: '' at 0.04 s is not a number"),
        ("time;FM1\n0.00;0.1\n0.04;-\n", ":3: '-' at 0.04 s is not a number"),
        ("time;FM1\n0.00;0.1\ninf;0.1\n", ":3: 'inf' at inf s is not a number"),
        ("time;FM1\n0.00;0.1\n0.04;0.1\n0.04;0.1\n", ":4: time 0.04 s follows 0.04 s"),
        ("time;FM1\n0.00;0.1\n0.04;1.1\n", ":3: 1.1 at 0.04 s is not within [-1, 1]"),
        ("time;FM1\n0.00;-1.00001\n", ":2: -1.00001 at 0 s is not within [-1, 1]"),
        ("time;FM1\n0.00;0.1\n0.04\n", ":3: 1 columns, the header has 2"),
        ("time;FM1\n0.00;0.1\n5.00;0.1\n", ":3: nothing between 0 and 5 s; rows are missing"),
        ("time;FM1\n3.00;0.1\n3.04;0.1\n", ":2: begins at 3 s, not at 0"),
        ("time;FM1\n", ": has no ratings"),
    ],
)
def test_a_damaged_rating_file_ends_its_trace(one_rater, text, fact):
    root = one_rater("time;FM1\n0.00;0.1\n0.04;0.1\n", text)
    with pytest.raises(CorpusError) as error:
        trace_of(root)
    assert str(error.value) == f"{RATINGS}/valence/P16.csv{fact}"


def test_a_value_at_the_limit_is_within_it(one_rater):
    text = "time;FM1\n0.00;1.0000009\n0.04;-1\n"
    np.testing.assert_allclose(trace_of(one_rater(text))[:, 0], [1, -1], rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (
            "@attribute frameTime numeric\n@data\n0.00\n",
            ": no @attribute frameTime and GoldStandard before @data",
        ),
        ("@attribute frameTime numeric\n", ": not an ARFF file with @attribute lines and @data"),
        ("", ": not an ARFF file with @attribute lines and @data"),
        (b"@data \xff\xfe", ": not text"),
        (
            "@attribute frameTime n\n@attribute GoldStandard n\n@data\n0.00,0.1\n0.04\n",
            ":5: 1 columns, the header has 2",
        ),
        (
            "@attribute frameTime n\n@attribute GoldStandard n\n@data\n0.00,?\n",
            ":4: '?' at 0.00 s is not a number",
        ),
    ],
)
def test_a_damaged_gold_standard_ends_its_trace(tmp_path, text, fact):
    build_avec(tmp_path, ["train_1"])
    write(tmp_path / GOLD / "arousal" / "train_1.arff", text)
    with pytest.raises(CorpusError) as error:
        trace_of(tmp_path)
    assert str(error.value) == f"{GOLD}/arousal/train_1.arff{fact}"


def test_arousal_and_valence_must_cover_the_same_times(one_rater):
    times = np.arange(5) * 0.04
    with pytest.raises(CorpusError) as error:
        trace_of(one_rater((times, times), (times[:4], times[:4])))
    expected = (
        f"{RATINGS}/valence/P16.csv: covers 0 to 0.12 s, but {RATINGS}/arousal/P16.csv: covers 0 to 0.16 s"
    )
    assert str(error.value) == expected


def test_a_rating_file_that_went_missing_is_named(tmp_path):
    (found,) = parse(build_recola(tmp_path, ["P16"]))
    (tmp_path / RATINGS / "valence" / "P16.csv").unlink()
    with pytest.raises(CorpusError, match=f"^{RATINGS}/valence/P16.csv: no such file$"):
        read_trace(tmp_path, found)
    with pytest.raises(CorpusError, match=r"P16\.wav: has no rating file"):
        read_trace(tmp_path, replace(found, trace=None))


def test_an_empty_folder_and_none_at_all_hold_nothing(tmp_path):
    assert list(parse(tmp_path)) == list(parse(tmp_path / "nowhere")) == []
    (tmp_path / "recordings_audio").mkdir()
    assert list(parse(tmp_path)) == []


AVEC = [f"{part}_{number}" for part in ("train", "dev") for number in range(1, 10)]


def centre(root, raters, to, *, index):
    """Replace raters' files by curves that are centred already, as pandas writes them (``index``) or not."""
    for path in sorted((root / raters).glob("*/*.csv")):
        rows = [line.split(";") for line in path.read_text().split("\n")[1:] if line]
        table = np.array(rows, dtype=float)
        curves = table[:, 1:] - table[:, 1:].mean(axis=0) + 0.9
        first = [f"{row}" for row in range(len(table))] if index else [f"{time:.2f}" for time in table[:, 0]]
        head = ("" if index else "time") + ";FM1 ;FM2 ;FM3 \n"
        lines = (f"{a};{';'.join(f'{x:.6f}' for x in row)}\n" for a, row in zip(first, curves, strict=True))
        write(root / to / path.parent.name / path.name, head + "".join(lines))
        write(root / to / path.parent.name / f"gs_{path.name}", ";GS\n")
        path.unlink()


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize(
    ("release", "to"),
    [
        ("avec", "ratings_individual_centred"),
        ("avec", "Ratings_Individual_Centered"),
        ("full", f"{RATINGS}_centred"),
        ("full", f"{RATINGS}/centred"),
    ],
)
def test_ratings_that_a_copy_holds_centred_are_read(tmp_path, release, to, index):
    root = build_avec(tmp_path, ["train_1"]) if release == "avec" else build_recola(tmp_path, ["P16"])
    plain = trace_of(root, gold="raters")
    centre(root, "ratings_individual" if release == "avec" else RATINGS, to, index=index)
    (utterance,), problems = split(root, gold="raters")
    assert problems == []
    assert utterance.trace.lower().startswith(to.lower())
    assert utterance.trace_method == "mean of 3 raters, whose curves are centred in this copy; lag 0 s"
    found = trace_of(root, gold="raters")
    # Only the centre differs: here 0.9, where curves may leave [-1, 1].
    np.testing.assert_allclose(found - found.mean(0), plain - plain.mean(0), atol=1e-5)
    np.testing.assert_allclose(found.mean(0), 0.9, atol=1e-5)
    assert found.max() > 1


def test_ratings_as_released_come_before_centred_ones(tmp_path):
    build_avec(tmp_path, ["train_1"])
    centred = tmp_path / "ratings_individual_centred"
    (tmp_path / "ratings_individual").rename(centred)
    build_avec(tmp_path, ["train_1"])
    (utterance,), _ = split(tmp_path, gold="raters")
    assert utterance.trace == "ratings_individual/arousal/train_1.csv"
    write(centred / "arousal" / "train_1.csv", "time;FM1\n0.00;0.1\n0.04;3.5\n")
    with pytest.raises(CorpusError, match=r"3.5 at 0.04 s is not within \[-3, 3\]"):
        read_trace(tmp_path, replace(utterance, trace="ratings_individual_centred/arousal/train_1.csv"))


def prepared(command_line, root, place, *more):
    return command_line("prepare", "recola", root, "--workspace", place, *more)


def test_the_recordings_of_avec_are_counted(command_line, tmp_path):
    build_avec(tmp_path / "half", AVEC[:9])
    status, _, err = prepared(command_line, tmp_path / "half", tmp_path / "w")
    assert status == 1
    assert "9 of 18 utterances; 9 missing: recola/dev_1, recola/dev_2, recola/dev_3 and 6 more" in err
    assert "--partial" in err
    status, out, _ = prepared(command_line, tmp_path / "half", tmp_path / "w", "--partial")
    assert status == 0
    assert "utterances  9 of 18" in out
    build_avec(tmp_path / "all", AVEC)
    status, out, _ = prepared(command_line, tmp_path / "all", tmp_path / "w")
    assert (status, "replaced" in out) == (0, False)
    assert prepared(command_line, tmp_path / "half", tmp_path / "w")[0] == 1
    status, out, _ = prepared(command_line, tmp_path / "half", tmp_path / "w", "--partial")
    assert status == 0
    assert "replaced    9 of the 18 utterances that were prepared before are not among these 9" in out


def test_fewer_recordings_do_not_take_the_place_of_more_in_silence(command_line, tmp_path, workspace):
    names = [f"P{number}" for number in range(16, 22)]
    build_recola(tmp_path / "six", names)
    build_recola(tmp_path / "three", names[:3])
    assert prepared(command_line, tmp_path / "six", workspace.root)[0] == 0
    before = workspace.manifest("recola").read_bytes()
    status, _, err = prepared(command_line, tmp_path / "three", workspace.root)
    assert (status, err.count("\n")) == (1, 1)
    assert "3 of the 6 utterances that were prepared before are not among these 3 (recola/P19" in err
    assert workspace.manifest("recola").read_bytes() == before
    build_avec(tmp_path / "avec", AVEC)  # of another release nothing stays
    assert "6 of the 6 utterances" in prepared(command_line, tmp_path / "avec", workspace.root)[1]
    assert prepared(command_line, tmp_path / "six", workspace.root)[0] == 1
    assert prepared(command_line, tmp_path / "six", workspace.root, "--partial")[0] == 0
    (tmp_path / "six" / "RECOLA-Audio-recordings" / "P21.wav").unlink()
    status, _, err = prepared(command_line, tmp_path / "six", workspace.root)
    assert (status, "P21.wav is missing" in err) == (1, True)


def test_another_corpus_that_shrinks_says_so(command_line, tmp_path, write_wav):
    for take in range(3):
        write_wav(tmp_path / "c" / "angry" / f"{take}.wav", tone(pitch=150 + 30 * take))
    given = ["prepare", "folder", tmp_path / "c", "--workspace", tmp_path / "w"]
    assert "replaced" not in command_line(*given)[1]
    (tmp_path / "c" / "angry" / "2.wav").unlink()
    status, out, _ = command_line(*given)
    assert status == 0
    assert (
        "replaced    1 of the 3 utterances that were prepared before are not among these 2 (c/angry/2)" in out
    )
    assert "other audio" not in out
    assert "replaced" not in command_line(*given)[1]
    write_wav(tmp_path / "other" / "c" / "angry" / "0.wav", tone(pitch=900))
    out = command_line("prepare", "folder", tmp_path / "other" / "c", "--workspace", tmp_path / "w")[1]
    assert "before are not among these 1 (c/angry/1); 1 of the 2 utterances that were prepared before" in out
    assert "have other audio now (c/angry/0)" in out
