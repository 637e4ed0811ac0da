import numpy as np
import pytest

from sercli.corpora.manifest import CORPUS, read_trace
from sercli.errors import CorpusError
from sercli.manifest.interop import audiofolder, emobox
from sercli.records import Note, Problem, Utterance


def parse(path, **settings):
    found = list(CORPUS.parse(path, *CORPUS.chosen(settings)))
    return [item for item in found if not isinstance(item, Note)]


@pytest.fixture
def table(tmp_path, monkeypatch):
    (tmp_path / "any").mkdir()
    (tmp_path / "any/nk.csv").write_text(
        "file,emotion,start\na.wav,happy,\nsub/b.wav,?,\nc.wav,sad\nd.wav,sad,x\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path / "any/nk.csv"


@pytest.mark.parametrize("below", ["", "any"])
def test_places_are_relative_to_the_lists_folder(table, monkeypatch, below):
    monkeypatch.chdir(table.parent.parent / below)
    for path in (table, table.relative_to(table.cwd())):
        first, *problems = parse(path)
        assert (first.id, first.file, first.emotion) == ("a", "a.wav", "happiness")
        assert [problem.place for problem in problems] == ["sub/b.wav", "nk.csv:4", "nk.csv:5"]
        assert problems[0].fact.startswith("label '?' means that no emotion is known; give its emotion with")


def test_places_in_a_folder_are_relative_to_it(table):
    folder = table.parent
    (folder / "train").mkdir()
    (folder / "train/metadata.csv").write_text("file_name,emotion\n,sad\n")
    assert parse(folder) == [Problem("train/metadata.csv:2", "names no audio file")]


@pytest.mark.parametrize(
    ("name", "content", "place", "fact"),
    [
        ("x.json", b'{"meta_data": 3}', "x.json", "'meta_data' is no list; fetch it again"),
        ("x.csv", b"PAR1file,emotion\n", "x.csv", "a damaged Parquet file; fetch or write it again"),
        (
            "train/metadata.csv",
            b"file_name,a,a\n",
            "train/metadata.csv:1",
            "two columns are called 'a'; rename one",
        ),
    ],
)
def test_a_list_that_can_not_be_read_is_one_problem_at_its_place(tmp_path, name, content, place, fact):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    assert parse(tmp_path if "/" in name else tmp_path / name) == [Problem(place, fact)]


def test_a_folder_that_is_no_list_is_placed_as_itself(tmp_path):
    (problem,) = parse(tmp_path)
    assert problem.place == "."
    assert problem.fact.startswith("not a list of utterances that sercli can read")


def test_a_trace_lies_where_the_audio_does_and_goes_with_it_into_an_audiofolder(tmp_path):
    root, out = tmp_path / "root", tmp_path / "lists"
    (root / "audio").mkdir(parents=True)
    (root / "traces").mkdir()
    (root / "audio/a.wav").write_bytes(b"RIFF")
    np.save(root / "traces/a.npy", np.array([[0.5, -0.5]], np.float32))
    utterances = [
        Utterance(
            id="c/a", corpus="c", file="audio/a.wav", duration=1.0, sample_rate=16_000, trace="traces/a.npy"
        ),
        Utterance(
            id="c/b", corpus="c", file="audio/a.wav", duration=1.0, sample_rate=16_000, trace="traces/b.npy"
        ),
        Utterance(
            id="c/c", corpus="c", file="audio/a.wav", duration=1.0, sample_rate=16_000, trace="../c.npy"
        ),
    ]
    (tmp_path / "c.npy").touch()
    emobox.write(out / "list.jsonl", utterances, root)
    first, second, _ = parse(out / "list.jsonl")
    np.testing.assert_array_equal(read_trace(root, first, CORPUS.options()), [[0.5, -0.5]])
    with pytest.raises(CorpusError, match=r"^traces/b\.npy: missing, or no array of labels$"):
        read_trace(root, second, CORPUS.options())
    audiofolder.write(tmp_path / "hf", utterances, root)
    (tmp_path / "all").mkdir()
    (tmp_path / "hf").rename(tmp_path / "all/train")  # as one part of several
    assert {path.name for path in (tmp_path / "all").rglob("*.npy")} == {"a.npy"}
    for base, place in ((tmp_path / "all", "train/traces/a.npy"), (tmp_path / "all/train", "traces/a.npy")):
        again = parse(base)[0]
        assert again.trace == place
        np.testing.assert_array_equal(read_trace(base, again, CORPUS.options()), [[0.5, -0.5]])


def test_a_list_without_emotions_names_the_command_that_takes_it(tmp_path):
    (tmp_path / "aud.txt").write_text("0.1\t0.7\tanger\n0.7\t1.2\tneutral\n")
    (problem,) = parse(tmp_path / "aud.txt")
    assert str(problem) == (
        "aud.txt: none of its 2 entries has an emotion; write a table with columns file and emotion (and "
        "start and end), or, if the entries are turns of speakers, use them with `sercli prepare folder "
        "FOLDER --segments aud.txt` or `sercli predict MODEL FILE --segments aud.txt`"
    )
    (tmp_path / "files.txt").write_text("a.wav\nb.wav\n")
    (problem,) = parse(tmp_path / "files.txt")
    assert str(problem) == (
        "files.txt: none of its 2 entries has an emotion; write a table with columns file and emotion"
    )


def test_a_kaldi_folder_without_labels_names_the_file_to_write_them_into(tmp_path):
    (tmp_path / "wav.scp").write_text("u1 a.wav\nu2 b.wav\n")
    (problem,) = parse(tmp_path)
    assert str(problem) == (
        ".: none of its 2 entries has an emotion; write each utterance and its emotion as a line into "
        "utt2emo, or write a table with columns file and emotion"
    )
    (tmp_path / "utt2label").write_text("u1 anger\n")
    first, problem = parse(tmp_path / "wav.scp")
    assert first.emotion == "anger"
    assert str(problem) == "utt2label, 'u2': no emotion; write a line with the utterance and its emotion"
