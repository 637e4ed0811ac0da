"""What sercli writes in a format, it reads again: the contract of every format."""

import json
from contextlib import suppress
from dataclasses import fields, replace

import pytest

from sercli.errors import ManifestError
from sercli.manifest.interop import format_names, get_format, read_list, recognise
from sercli.records import Note, Problem, Utterance

FULL = Utterance(
    id="korpus/a b, \"c\" 'ü'",
    corpus="korpus",
    file='audio/a b, "c" {ü}.wav',
    source="raw/Ä 1.wav",
    source_sha256="0" * 64,
    sha256="1" * 64,
    duration=0.1 + 0.2,
    sample_rate=16_000,
    start=1.1,
    end=1.4000000000000001,
    speaker="03",
    gender="female",
    session="01",
    dialog="1e5",
    style="improvised",
    text_id="007",
    transcript='Er sagte: "Käse, {bitte}!"\nund\r\n\tging; fort\u2028',
    emotion_raw="W",
    emotion="anger",
    intensity="2",
    part="test2",
    valence=-0.25,
    arousal=1e-7,
    dominance=3.0,
    ratings={"warmth": 2.5},
    trace="traces/a.npy",
    trace_method="mean of 6, shift 4 s",
    trace_sha256="2" * 64,
    raters=({"rater": "01", "emotion": ["Wut", "{Ärger}"], "valence": 2, "note": None}, {}),
)
BARE = Utterance(id="korpus/b", corpus="korpus", file="b.wav", duration=1.5, sample_rate=16_000)
RAW_ALONE = replace(BARE, id="korpus/c", file="c.wav", emotion_raw="neutral", speaker="3")
NOUN_ALONE = replace(BARE, id="korpus/d/e", file="d/e.wav", emotion="neutral", raters=())
UTTERANCES = [FULL, BARE, RAW_ALONE, NOUN_ALONE]
FOLDERS = {"audformat", "audiofolder", "lhotse"}
SUFFIXES = {"emobox": ".jsonl", "nkululeko": ".csv", "speechbrain": ".json"}


@pytest.fixture(params=[name for name in format_names() if get_format(name).write])
def name(request):
    if request.param == "audformat":
        pytest.importorskip("audformat")
    return request.param


@pytest.fixture
def root(tmp_path):
    for utterance in UTTERANCES:
        file = tmp_path / "root" / utterance.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"RIFF")
    return tmp_path / "root"


@pytest.fixture
def out(tmp_path, name):
    return tmp_path / f"out{SUFFIXES.get(name, '')}"


def test_every_field_of_the_first_utterance_is_set():
    assert [field.name for field in fields(Utterance) if not getattr(FULL, field.name)] == []


def test_a_round_trip_keeps_what_the_format_holds(name, root, out):
    entry = get_format(name)
    entry.write(out, iter(UTTERANCES), root)
    found = list(entry.read(out))
    assert found == UTTERANCES
    assert found[0].raters[0]["emotion"] == ["Wut", "{Ärger}"]


def test_only_its_own_format_recognises_what_was_written(name, root, out):
    get_format(name).write(out, UTTERANCES, root)
    assert [other for other in format_names() if get_format(other).recognises(out)] == [name]
    assert recognise(out) == name


def test_read_list_keeps_our_ids(name, root, out):
    get_format(name).write(out, UTTERANCES, root)
    assert list(read_list(out)) == UTTERANCES


def test_files_below_root_become_relative(name, root, out):
    get_format(name).write(out, [replace(BARE, file=str(root / "b.wav"))], root)
    assert [item.file for item in get_format(name).read(out)] == ["b.wav"]


@pytest.mark.parametrize(
    ("utterances", "fact"),
    [
        ([], "there are no utterances to write"),
        ([BARE, BARE], "the id 'korpus/b' occurs more than once"),
        ([replace(BARE, id="b")], "the id 'b' does not begin with 'korpus/'"),
        ([BARE, replace(RAW_ALONE, valence=float("nan"))], "'korpus/c' has a number that is not finite"),
        ([replace(BARE, raters=({"valence": float("inf")},))], "'korpus/b' has a number that is not finite"),
        ([replace(BARE, transcript="\ud800")], "'korpus/b' has .* text that is not Unicode"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(name, root, out, utterances, fact):
    with pytest.raises(ManifestError, match=fact):
        get_format(name).write(out, utterances, root)
    assert not out.exists()


def test_a_failed_write_leaves_the_old_list_and_nothing_else(name, root, out):
    entry = get_format(name)
    entry.write(out, UTTERANCES, root)
    before = {path: path.read_bytes() for path in out.parent.rglob("*") if path.is_file()}
    with pytest.raises(ManifestError):
        entry.write(out, [BARE, BARE], root)
    if name in FOLDERS:
        with pytest.raises(ManifestError, match="remove it or name another folder"):
            entry.write(out, [BARE], root)
    assert {path: path.read_bytes() for path in out.parent.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", SUFFIXES)
def test_a_list_of_one_file_does_not_take_the_place_of_a_folder(name, root):
    before = sorted(root.parent.rglob("*"))
    with pytest.raises(
        ManifestError, match=r"root: is a folder, and this format is one file; name a file in it"
    ):
        get_format(name).write(root, UTTERANCES, root)
    assert sorted(root.parent.rglob("*")) == before


def test_what_is_not_there_or_of_no_format_is_not_recognised(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    (tmp_path / "empty").mkdir()
    assert [recognise(tmp_path / place) for place in ("none", "notes.txt", "empty")] == [None, None, None]


@pytest.mark.parametrize("name", sorted({*SUFFIXES, "lhotse"}))
def test_damage_gives_problems_or_one_error_never_a_crash(name, root, tmp_path):
    out = tmp_path / f"out{SUFFIXES.get(name, '')}"
    get_format(name).write(out, UTTERANCES, root)
    file = out / "supervisions.jsonl.gz" if name == "lhotse" else out
    whole = file.read_bytes()
    for place in range(0, len(whole), 23):
        for damaged in (whole[:place], whole[:place] + b"\xff" + whole[place + 1 :]):
            file.write_bytes(damaged)
            with suppress(ManifestError):
                found = list(get_format(name).read(out))
                assert {type(item) for item in found} <= {Utterance, Problem, Note}


@pytest.mark.parametrize("name", ["emobox", "speechbrain"])
def test_json_is_readable_utf_8(name, root, tmp_path):
    get_format(name).write(tmp_path / "out.json", UTTERANCES, root)
    assert "Käse" in (tmp_path / "out.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["emobox", "lhotse"])
def test_formats_that_state_lengths_refuse_unknown_ones(name, root, tmp_path):
    with pytest.raises(ManifestError, match="'korpus/b' has no duration or sample rate; prepare"):
        get_format(name).write(tmp_path / "out", [replace(BARE, duration=0.0)], root)


def test_emobox_has_its_own_ten_keys(root, tmp_path):
    get_format("emobox").write(tmp_path / "out.jsonl", [replace(FULL, id="korpus/03a01Fa")], root)
    line = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    assert list(line.items())[:10] == [
        ("key", "korpus-03a01Fa"),
        ("dataset", "korpus"),
        ("wav", FULL.file),
        ("type", "raw"),
        ("sample_rate", 16_000),
        ("num_frame", 4800.0),
        ("task", "category"),
        ("length", FULL.duration),
        ("emo", "W"),
        ("channel", 1),
    ]
