"""Folds from lists of other tools: EmoBox, s3prl, SpeechBrain, nkululeko, and tables of files."""

import json

import pytest

from sercli.errors import ProtocolError
from sercli.protocols import fold_digest, get_protocol, parse_list_name
from sercli.protocols.lists import contents_digest
from sercli.records import Utterance

EMOTIONS = ("anger", "sadness")
UTTERANCES = [
    Utterance(
        id=f"c/{speaker}/{take}",
        corpus="c",
        file=f"audio/{speaker}-{take}.wav",
        source=f"Wav/{speaker}/{take}.WAV",
        speaker=speaker,
        emotion=EMOTIONS[take % 2],
    )
    for speaker in ("s1", "s2", "s3")
    for take in range(4)
]
LABELS = {each.id: str(each.emotion) for each in UTTERANCES}
# Which speaker is in which part.
PARTS = {"train": "s1", "dev": "s2", "test": "s3"}
STEMS = {part: [f"{speaker}/{take}" for take in range(4)] for part, speaker in PARTS.items()}


def write_emobox(folder, parts=STEMS):
    """Write two folds; the second one trains on the test part of the first one, and tests its train part."""
    for fold, order in ((1, ("train", "test")), (2, ("test", "train"))):
        (folder / f"fold_{fold}").mkdir(parents=True)
        for part, source in zip(("train", "test"), order, strict=True):
            rows = [
                {"key": f"c-{stem.replace('/', '-')}", "wav": f"downloads/c/{stem}.wav", "emo": "x"}
                for stem in parts[source]
            ]
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (folder / f"fold_{fold}" / f"c_{part}_fold_{fold}.jsonl").write_text(text)
    (folder / "label_map.json").write_text(json.dumps({"x": "anger"}))


def write_s3prl(folder, parts=STEMS):
    (folder / "Session1").mkdir(parents=True)
    for part in ("train", "test"):
        rows = [{"path": f"{stem}.wav", "label": "neu", "speaker": "?"} for stem in parts[part]]
        file = folder / "Session1" / f"{part}_meta_data.json"
        file.write_text(json.dumps({"labels": {"neu": 0}, "meta_data": rows}))


def write_speechbrain(folder, parts=STEMS):
    folder.mkdir()
    for part, name in (("train", "train"), ("dev", "valid"), ("test", "test")):
        rows = {
            stem.replace("/", "_"): {"wav": f"{{data_root}}/{stem}.wav", "length": 1.0, "emo": "n"}
            for stem in parts[part]
        }
        (folder / f"{name}.json").write_text(json.dumps(rows))


def write_nkululeko(folder, parts=STEMS):
    folder.mkdir()
    for part in PARTS:
        lines = [f"./wav\\{stem}.wav,{stem[:2]},female,happy".replace("/", "\\") for stem in parts[part]]
        (folder / f"c_{part}.csv").write_text("file,speaker,gender,emotion\n" + "\n".join(lines) + "\n")
    (folder / "other_train.csv").write_text("a,b\n1,2\n")


def ids(part):
    return tuple(each.id for each in UTTERANCES if each.speaker == PARTS[part])


@pytest.mark.parametrize(
    ("write", "names", "dev"),
    [
        (write_emobox, ["fold_1/c_*_fold_1.jsonl", "fold_2/c_*_fold_2.jsonl"], False),
        (write_s3prl, ["Session1/*_meta_data.json"], False),
        (write_speechbrain, ["*.json"], True),
        (write_nkululeko, ["c_*.csv"], True),
    ],
)
def test_the_lists_of_a_tool_are_folds(tmp_path, write, names, dev):
    write(tmp_path / "lists")
    protocol = get_protocol(f"lists:{tmp_path / 'lists'}")
    folds = protocol.divide(UTTERANCES, LABELS)
    assert [fold.name for fold in folds] == names
    for fold, sources in zip(folds, (("train", "test"), ("test", "train")), strict=False):
        assert (fold.train, fold.test) == tuple(map(ids, sources))
        assert fold.dev == (ids("dev") if dev else ())
    listed = 12 if dev else 8
    first, *others = protocol.notes(UTTERANCES, LABELS)
    assert first == f"{listed} of {listed} listed utterances are in the corpus"
    assert bool(others) != dev, "those of the third speaker are not listed"


def test_the_digest_is_of_all_lists_and_not_of_their_place(tmp_path):
    names = []
    for place in ("one", "two"):
        write_speechbrain(tmp_path / place)
        names.append(parse_list_name(get_protocol(f"lists:{tmp_path / place}").name).digest)
    assert names[0] == names[1]
    protocol = get_protocol(get_protocol(f"lists:{tmp_path / 'one'}").name)
    assert fold_digest(protocol.divide(UTTERANCES, LABELS)) == fold_digest(
        get_protocol(f"lists:{tmp_path / 'two'}").divide(UTTERANCES, LABELS)
    )
    path = tmp_path / "one" / "valid.json"
    path.write_text(path.read_text().replace("1.0", "2.0"))
    with pytest.raises(ProtocolError, match="one: has changed"):
        protocol.divide(UTTERANCES, LABELS)


def test_a_pattern_names_lists(tmp_path):
    write_nkululeko(tmp_path / "lists")
    (tmp_path / "lists" / "d_train.csv").write_text("a,b\n1,2\n")
    (tmp_path / "lists" / "d_test.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ProtocolError, match=r"name the lists by a pattern, as lists:x_\*\.csv"):
        get_protocol(f"lists:{tmp_path / 'lists'}").divide(UTTERANCES, LABELS)
    (fold,) = get_protocol(f"lists:{tmp_path}/lists/c_*.csv").divide(UTTERANCES, LABELS)
    assert fold.test == ids("test")


@pytest.mark.parametrize("column", ["split", "Partition", "subset", "Split_Set"])
def test_a_table_of_files_with_their_parts(tmp_path, column):
    words = {"train": "training", "dev": "validation", "test": "test"}
    lines = [f"{stem}.wav,{words[part]}" for part, stems in STEMS.items() for stem in stems]
    (tmp_path / "all.csv").write_text(f"path,{column}\n" + "\n".join(lines) + "\n")
    (fold,) = get_protocol(f"lists:{tmp_path / 'all.csv'}").divide(UTTERANCES, LABELS)
    assert (fold.train, fold.dev, fold.test) == tuple(map(ids, PARTS))


def test_near_misses_and_differences_are_reported(tmp_path):
    parts = {**STEMS, "test": [*STEMS["test"][:3], "s3/extra0"], "train": [*STEMS["train"], "s9/3"]}
    write_speechbrain(tmp_path / "lists", parts)
    labels = {name: label for name, label in LABELS.items() if name != "c/s1/0"}
    protocol = get_protocol(f"lists:{tmp_path / 'lists'}")
    notes = protocol.notes(UTTERANCES, labels)
    assert notes[0].startswith(
        "11 of 13 listed utterances are in the corpus; not found is s9/3.wav (c/s1/3 and"
    )
    assert "have that name" in notes[0]
    assert "s3/extra0.wav" in notes[0]
    assert notes[1:] == [
        "1 listed utterances are not selected by the scheme, and left out",
        "1 utterances that the scheme selects are not listed, and left out, such as c/s3/3",
    ]


def test_two_listed_names_of_one_utterance_are_not_used(tmp_path):
    parts = {**STEMS, "train": [*STEMS["train"], "copy/s1/0"]}
    write_speechbrain(tmp_path / "lists", parts)
    protocol = get_protocol(f"lists:{tmp_path / 'lists'}")
    (fold,) = protocol.divide(UTTERANCES, LABELS)
    assert fold.train == ids("train")[1:]
    assert "c/s1/0 has a similar name, as it has to" in protocol.notes(UTTERANCES, LABELS)[0]


def test_one_utterance_in_two_parts_is_refused(tmp_path):
    write_speechbrain(tmp_path / "lists", {**STEMS, "test": STEMS["train"]})
    with pytest.raises(ProtocolError, match=r"'c/s1/0' is in train and in test of fold '\*\.json'"):
        get_protocol(f"lists:{tmp_path / 'lists'}").divide(UTTERANCES, LABELS)


def test_lists_of_another_corpus_are_refused(tmp_path):
    write_emobox(tmp_path / "lists", {part: [f"x/{i}y" for i in range(4)] for part in PARTS})
    with pytest.raises(ProtocolError, match="only 0 of 4 listed utterances are in the corpus; not found is"):
        get_protocol(f"lists:{tmp_path / 'lists'}").divide(UTTERANCES, LABELS)


def test_a_folder_without_lists_and_a_single_list_are_refused(tmp_path):
    with pytest.raises(ProtocolError, match="no lists that divide a corpus"):
        get_protocol(f"lists:{tmp_path}")
    write_speechbrain(tmp_path / "lists")
    with pytest.raises(
        ProtocolError, match=r"needs columns id, part .*or lists:.*lists for the lists of its"
    ):
        get_protocol(f"lists:{tmp_path / 'lists' / 'train.json'}").divide(UTTERANCES, LABELS)


def test_segments_of_one_recording_are_told_apart_by_their_times(tmp_path):
    cut = [
        Utterance(id=f"c/r{i}[{start}]", corpus="c", file=f"{i}-{start}.wav", source=f"r{i}.wav", start=start)
        for i in (1, 2)
        for start in (0.0, 2.5)
    ]
    labels = {each.id: "anger" for each in cut}
    for part, number in (("train", 1), ("test", 2)):
        rows = f"r{number}.wav,0,2,a\nr{number}.wav,2.51,4,a\n"
        (tmp_path / f"{part}.csv").write_text(f"file,start,end,emotion\n{rows}")
    (fold,) = get_protocol(f"lists:{tmp_path}").divide(cut, labels)
    assert fold.train == ("c/r1[0.0]", "c/r1[2.5]")
    assert fold.test == ("c/r2[0.0]", "c/r2[2.5]")


def test_lists_are_in_the_order_of_their_numbers_and_runs_in_the_order_of_texts_are_still_read(tmp_path):
    def names(protocol):
        return [fold.name for fold in protocol.divide(UTTERANCES[:10], LABELS)]

    for fold in (1, 2, 10):
        rows = [each.source for each in UTTERANCES]
        tested, *trained = rows[fold - 1 : fold] + rows[: fold - 1]
        (tmp_path / f"c_test_{fold}.csv").write_text(f"file\n{tested}\n")
        (tmp_path / f"c_train_{fold}.csv").write_text("\n".join(["file", *(trained or rows[1:])]))
    now = get_protocol(f"lists:{tmp_path}")
    assert names(now) == ["c_*_1.csv", "c_*_2.csv", "c_*_10.csv"]
    earlier = contents_digest(tmp_path, by_number=False)
    assert earlier != parse_list_name(now.name).digest
    assert names(get_protocol(f"lists:{tmp_path}#{earlier}@1")) == ["c_*_1.csv", "c_*_10.csv", "c_*_2.csv"]
    for part in ("test", "train"):
        (tmp_path / f"c_{part}_10.csv").unlink()
    assert contents_digest(tmp_path) == contents_digest(tmp_path, by_number=False)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("ID,Part", "{0.id},{1}"),
        ("id,part", "{0.source},{1}"),  # names of files
        ("ID,part", "{0.source},{1}"),
        ("id,file,part", "{2},{0.source},{1}"),  # numbers of rows
    ],
)
def test_a_column_id_in_any_case_or_without_ids_of_the_corpus(tmp_path, header, row):
    spoken = {speaker: part for part, speaker in PARTS.items()}
    rows = [row.format(each, spoken[str(each.speaker)], k) for k, each in enumerate(UTTERANCES)]
    (tmp_path / "t.csv").write_text("\n".join([header, *rows]))
    (fold,) = get_protocol(f"lists:{tmp_path / 't.csv'}").divide(UTTERANCES, LABELS)
    assert fold.train == tuple(each.id for each in UTTERANCES[:4])
    assert fold.test == tuple(each.id for each in UTTERANCES[8:])
