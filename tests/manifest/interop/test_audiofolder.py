import pytest
import yaml

from sercli.errors import ManifestError
from sercli.manifest.interop.audiofolder import read, recognises, write
from sercli.records import Utterance

UTTERANCE = Utterance(
    id="c/a", corpus="c", file="audio/a b.wav", duration=1.5, sample_rate=16_000, speaker="03", valence=2.0
)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root/audio").mkdir(parents=True)
    (tmp_path / "root/audio/a b.wav").write_bytes(b"RIFF")
    return tmp_path / "root"


def test_the_audio_is_copied_and_the_types_declared(root, tmp_path):
    write(tmp_path / "hf", [UTTERANCE], root)
    found = sorted(path.relative_to(tmp_path / "hf").as_posix() for path in (tmp_path / "hf").rglob("*.*"))
    assert found == ["README.md", "audio/a b.wav", "metadata.csv"]
    assert (tmp_path / "hf/audio/a b.wav").read_bytes() == b"RIFF"
    assert (tmp_path / "hf/metadata.csv").read_text().startswith('"file_name","id"')
    card = yaml.safe_load((tmp_path / "hf/README.md").read_text().strip("-\n"))
    types = {feature["name"]: feature["dtype"] for feature in card["configs"][0]["features"]}
    assert types == {
        "audio": "audio",
        "id": "string",
        "corpus": "string",
        "duration": "float64",
        "sample_rate": "int64",
        "speaker": "string",
        "valence": "float64",
    }


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("metadata.csv", "file_name,label\na.wav,1\nb.wav,0\nc.wav,fear\n"),
        (
            "train/metadata.jsonl",
            "".join(
                f'{{"file_name": "{name}.wav", "label": {label}}}\n'
                for name, label in (("a", 1), ("b", 0), ("c", '"fear"'))
            ),
        ),
    ],
)
def test_the_card_names_the_numbers_of_classes(root, name, rows):
    card = "features: [{name: label, dtype: {class_label: {names: [anger, sadness]}}}]"
    (root / "README.md").write_text(f"---\ndataset_info:\n  {card}\n---\n")
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text(rows)
    assert [each.emotion_raw for each in read(root)] == ["sadness", "anger", "fear"]


def test_where_the_audio_lies_only_the_metadata_is_added(root):
    (root / "README.md").write_text("mine")
    write(root, [UTTERANCE], root)
    assert list(read(root)) == [UTTERANCE]
    assert (root / "README.md").read_text() == "mine"
    with pytest.raises(ManifestError, match=r"metadata\.csv: exists already"):
        write(root, [UTTERANCE], root)


def test_a_folder_with_other_things_is_left_alone(root, tmp_path):
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf/thesis.tex").write_text("x")
    with pytest.raises(ManifestError, match="hf: is not empty; remove it or name another folder"):
        write(tmp_path / "hf", [UTTERANCE], root)
    assert [path.name for path in (tmp_path / "hf").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("file", "fact"),
    [("../b.wav", "not below"), ("/b.wav", "not below"), ("c.wav", "no such audio file; prepare the corpus")],
)
def test_audio_that_can_not_be_copied_is_refused(root, tmp_path, file, fact):
    utterances = [UTTERANCE, Utterance(id="c/b", corpus="c", file=file)]
    with pytest.raises(ManifestError, match=fact):
        write(tmp_path / "hf", utterances, root)
    assert not (tmp_path / "hf").exists()


def test_a_foreign_folder_with_parts(tmp_path):
    for part, row in (("train", "a.wav,Angry,CREMA-D,21"), ("test", "b.wav,Sad,CREMA-D,30")):
        (tmp_path / part).mkdir()
        (tmp_path / part / "metadata.csv").write_text(f"file_name,emotion,source,age\n{row}\n")
    assert list(read(tmp_path)) == [
        Utterance(id="imported/test/b", corpus="imported", file="test/b.wav", emotion_raw="Sad"),
        Utterance(id="imported/train/a", corpus="imported", file="train/a.wav", emotion_raw="Angry"),
    ]


def test_foreign_json_lines(tmp_path):
    (tmp_path / "metadata.jsonl").write_text(
        '{"file_name": "1.wav", "transcription": "Käse", "label": 0, "speaker_id": "03"}\n'
        '{"file_name": 5, "label": "x"}\n{"label": "x"}\n{"file_name": "2.wav", "lab\n',
        encoding="utf-8",
    )
    first, second, third, fourth = read(tmp_path)
    assert (first.transcript, first.emotion_raw, first.speaker) == ("Käse", "0", "03")
    assert second.file == "5"
    assert str(third) == f"{tmp_path / 'metadata.jsonl'}:3: names no audio file"
    cut = "not a JSON object (cut short?); write one a line, with a key per column"
    assert str(fourth) == f"{tmp_path / 'metadata.jsonl'}:4: {cut}"


def test_a_list_in_parquet(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = [{"file_name": "1.wav", "label": "sad", "speaker_id": "03"}]
    (tmp_path / "train").mkdir()
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "train/metadata.parquet")
    assert recognises(tmp_path)
    (found,) = read(tmp_path)
    assert (found.file, found.emotion_raw, found.speaker) == ("train/1.wav", "sad", "03")


def test_folders_that_name_classes_state_nothing(tmp_path):
    (tmp_path / "angry").mkdir()
    (tmp_path / "angry/a.wav").write_bytes(b"RIFF")
    (tmp_path / "metadata.csv").write_text("name,label\na,b\n")
    assert not recognises(tmp_path)


def test_a_time_with_a_separator_of_thousands_is_named_by_its_line(tmp_path):
    (tmp_path / "metadata.csv").write_text('file_name,label,start_ms,end_ms\na.wav,sad,"1,500","2,500"\n')
    (problem,) = read(tmp_path)
    assert str(problem) == (
        f"{tmp_path}/metadata.csv:2: start_ms '1,500' may be 1500 or a fraction; write 1500, or 1.5000 for "
        "the fraction"
    )
