import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from sercli import files
from sercli.evaluation.class_evaluation import evaluate
from sercli.records import ClassPredictions
from sercli.reports.audited import Audited
from sercli.reports.run import render_run

VOID = {"meta", "link", "br", "img", "source", "hr", "input"}


class Page(HTMLParser):
    """Collect what a reader sees, and refuse tags that don't match."""

    def __init__(self, html):
        super().__init__()
        self.open, self.words, self.pictures, self.addresses, self.tags = [], [], [], [], []
        self.rows = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.row = []
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in {"src", "srcset"}:
                self.pictures.append(value)
            elif name in {"href", "action", "data", "poster"}:
                self.addresses.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "tr":
            self.rows.append(plain(self.row))

    def handle_data(self, data):
        if not {"style", "title"} & set(self.open):
            self.words.append(data)
            if "tr" in self.open:
                self.row.append(data)

    @property
    def text(self):
        return plain(self.words)


def plain(words):
    return re.sub(r" ([,.])", r"\1", " ".join(" ".join(words).split()))  # split takes no-break spaces too


def predictions(n_speakers=5, classes=("anger", "fear"), seeds=(0,)):
    """Each speaker says each class four times; speaker i is right in all but i of them (at most three)."""
    rows = [
        (
            f"toy/{speaker}-{label}-{take}",
            speaker,
            label,
            label if take >= min(speaker, 3) else 1 - label,
            seed,
        )
        for seed in seeds
        for speaker in range(n_speakers)
        for label in range(2)
        for take in range(4)
    ]
    ids, speakers, target, predicted, seed = zip(*rows, strict=True)
    return ClassPredictions(
        classes=classes,
        ids=ids,
        target=np.array(target),
        probabilities=np.eye(len(classes))[list(predicted)],
        speakers=tuple(f"{speaker:02d}" for speaker in speakers),
        genders=("female",) * len(rows),
        folds=tuple(f"speaker {speaker:02d}" for speaker in speakers),
        seeds=seed,
    )


HISTORY = [
    {"epoch": epoch, "train_loss": 1 / epoch, "dev_ua": 0.1 * epoch, "selected": epoch == 3}
    for epoch in range(1, 5)
]


def page(title="A run", rows=None, **more):
    return Page(render_run(title, evaluate(rows or predictions()), **more))


def test_the_headline_stands_with_its_interval_beside_chance_and_majority():
    result = evaluate(predictions())
    found = page()
    text = found.text
    # 0, 1, 2, 3, 3 of 4 wrong: 11 of 20 right in each class.
    assert "UA, unweighted accuracy 55.0 %" in text
    low, high = result.ua_interval.low, result.ua_interval.high
    assert f"interval {low * 100:.1f} to {high * 100:.1f} %, over 5 speakers" in text
    assert found.rows[0] == "pooled 95 % interval chance always “anger” mean ± sd"
    assert found.rows[1] == (f"UA 55.0 % {low * 100:.1f} to {high * 100:.1f} % 50.0 % 50.0 % 55.0 ± 32.6 %")
    assert "40 utterances, 2 classes, 5 folds, 1 seed" in text


def test_without_an_interval_the_reason_stands_there():
    text = page(rows=predictions(n_speakers=4)).text
    assert "No interval: 4 speakers, and an interval over speakers needs 5 or more." in text
    assert "bootstrap" not in text


def test_the_page_needs_no_network_and_no_other_file():
    html = render_run("A run", evaluate(predictions()), HISTORY)
    found = Page(html)
    assert {address[:5] for address in found.addresses + found.pictures} == {"data:"}
    without_pictures = re.sub(r"data:[^\"]+", "", html)
    assert "http://" not in without_pictures
    assert "https://" not in without_pictures
    assert not re.search(r"url\(|@import", without_pictures)
    assert "script" not in {tag for tag, _ in found.tags}


def test_pictures_are_there_for_light_and_dark_pages():
    found = page(history=HISTORY)
    assert len(found.pictures) == 2 * 4  # confusion, reliability, speakers, curves
    assert len(set(found.pictures)) == 8
    for picture in found.pictures:
        assert base64.b64decode(picture.partition(",")[2]).rstrip().endswith(b"</svg>")
    assert all(attrs.get("alt") for tag, attrs in found.tags if tag == "img")


def test_without_history_there_are_no_curves():
    found = page()
    assert len(found.pictures) == 2 * 3
    assert "Training" not in found.text


def test_facts_stand_in_the_order_given_and_notes_and_banners_too():
    text = page(
        facts={"Protocol": "leave-one-speaker-out@1", "Corpus": "synth"},
        notes=["Open in the paper: padding."],
        banners=["synthetic: proves nothing about people"],
    ).text
    assert "Protocol leave-one-speaker-out@1 Corpus synth" in text
    assert "Notes Open in the paper: padding." in text
    assert text.index("synthetic: proves nothing about people") < text.index("55.0 %")


def test_what_a_corpus_or_a_user_names_is_never_markup():
    evil = "<script>alert('x')</script>"
    rows = predictions(classes=(evil, "b&b"))
    html = render_run(evil, evaluate(rows), HISTORY, {evil: evil}, [evil], banners=[evil])
    assert "<script" not in html
    found = Page(html)
    assert found.text.count(evil) > 6
    assert "b&b" in found.text


def test_tables_hold_every_class_speaker_and_fold():
    found = page()
    assert "anger 20 55.0 % 55.0 % 55.0 % fear 45 %" in found.rows  # recall, precision, F1, mostly taken for
    assert "fear 9 45.0 % 11 55.0 %" in found.rows
    assert "female 5 40 55.0 % 55.0 %" in found.rows
    assert "00 female 8 100.0 % 100.0 % best" in found.rows
    assert "01 female 8 75.0 % 75.0 %" in found.rows
    assert "03 female 8 25.0 % 25.0 % worst" in found.rows
    assert "speaker 02 8 50.0 % 50.0 %" in found.rows
    assert "mean ± sd 55.0 ± 32.6 % 55.0 ± 32.6 %" in found.rows  # of 100, 75, 50, 25, 25
    assert (
        "Best 00 100.0 %, worst 03 25.0 %, of 5 speakers; "
        "all 55.0 %, chance 50.0 %, always “anger” 50.0 % UA." in found.text
    )


def test_calibration_names_its_estimator():
    found = page()  # always sure, right in 55 of 100
    assert (
        "Expected calibration error 45.0 % (plug-in, L1, 15 bins of equal width), Brier score 0.900"
        in found.text
    )
    assert "93.3 to 100.0 % 40 100.0 % 55.0 %" in found.rows


def test_acc_and_f1_stand_beside_ua_and_wa():
    rows = page().rows
    assert [row.split()[0] for row in rows[1:4]] == ["UA", "WA", "ACC"]
    assert rows[4].startswith("macro F1 55.0 %")


FINDINGS = [
    {"check": "speakers", "verdict": "leak", "fact": "2 speakers in train and test", "reason": None, "x": 1},
    {"check": "texts", "verdict": "known", "fact": "10 texts", "reason": "all say the same"},
    {"check": "dialogs", "verdict": "not checked", "fact": "none", "reason": None},
]


def test_a_leak_is_told_in_the_head_and_in_a_table():
    audited = Audited.of(FINDINGS)
    found = page(audited=audited, protocol="leave-one-speaker-out@1 (digest abcd)")
    assert found.text.index("leak found: speakers") < found.text.index("55.0 %")
    assert "Protocol leave-one-speaker-out@1 (digest abcd)." in found.text
    assert "speakers leak 2 speakers in train and test" in found.rows
    assert "texts known 10 texts all say the same" in found.rows
    assert audited.banners == ("Leak (speakers): 2 speakers in train and test. The figures are too good.",)


def test_an_audit_in_a_line():
    assert Audited.of(FINDINGS[1:]).verdict == (
        "no leak found, 1 of 2 checks apply; known to be shared: texts"
    )
    assert Audited(why_not="no corpus").verdict == "not audited: no corpus"
    assert "Checks as a table" not in page(audited=Audited(why_not="no corpus")).text


def test_seeds_have_their_own_table():
    found = page(rows=predictions(seeds=(0, 7)))
    text = found.text
    assert "Folds and seeds" in text
    assert "UA 55.0 ± 0.0 % over 2 seeds, the folds of each pooled." in text
    assert "7 40 55.0 % 55.0 %" in found.rows
    assert "40 utterances, 2 classes, 5 folds, 2 seeds" in text
    assert "speaker 02 7 8 50.0 % 50.0 %" in found.rows
    assert any(row.startswith("anger 40 55.0 %") for row in found.rows)


def test_a_class_that_never_occurs_is_a_dash():
    assert "calm 0 – – – –" in page(rows=predictions(classes=("anger", "fear", "calm"))).rows


def test_unknown_speakers_leave_out_their_section():
    rows = predictions()
    unknown = replace(rows, speakers=(None,) * 40, genders=(None,) * 40)
    text = page(rows=unknown).text
    assert "No interval: the speaker of 40 utterances is unknown." in text
    assert "Speakers as a table" not in text


def test_equal_runs_have_equal_pages(tmp_path):
    result = evaluate(predictions())
    for name in ("a.html", "b.html"):
        html = render_run("A run", result, HISTORY, {"Corpus": "synth"}, notes=["None."])
        files.write_text(tmp_path / name, html)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a.html", "b.html"]


@pytest.mark.parametrize("n_classes", [2, 14])
def test_the_page_is_whole_for_few_and_many_classes(n_classes):
    found = page(rows=predictions(classes=tuple(f"class {i}" for i in range(n_classes))))
    wide = [attrs for tag, attrs in found.tags if tag == "picture" and attrs.get("class") == "wide"]
    assert len(wide) == (n_classes > 8)
    assert f"class {n_classes - 1}" in found.text
