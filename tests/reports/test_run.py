import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from sercli.evaluation import evaluate
from sercli.records import ClassPredictions
from sercli.reports._run_page import render_run
from sercli.reports.run import AuditResult

pytestmark = pytest.mark.usefixtures("blank_pictures")

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


def html_of(rows, title="A run", **more):
    """Render predictions as the page of a run."""
    nothing = {"facts": {}, "notes": [], "banners": [], "audit": None, "protocol": None, "history": []}
    parts = {"title": title, "predictions": rows, "evaluation": evaluate(rows)}
    return render_run(SimpleNamespace(**nothing | parts | more))


def page(rows=None, title="A run", **more):
    return Page(html_of(rows or predictions(), title, **more))


def test_the_headline_has_its_interval_beside_chance_and_majority():
    row = evaluate(predictions()).table.row("ua")
    found = page()
    # 0, 1, 2, 3, 3 of 4 wrong: 11 of 20 right in each class.
    interval = f"{row.interval.low * 100:.1f} to {row.interval.high * 100:.1f}"
    assert f"UA, pooled 55.0 % 95 % interval {interval} %" in found.text
    assert found.rows[0] == "metric pooled 95 % interval chance always “anger” folds and seeds seeds"
    assert found.rows[1] == f"UA 55.0 {interval} 50.0 50.0 55.0 ± 32.6 55.0"
    assert "40 utterances of 5 speakers, 2 classes, 5 folds, 1 seed" in found.text


def test_raters_are_beside_the_model():
    rows = predictions()
    raters = tuple(((label,), (label,), (label,), (1 - label,)) for label in rows.target.tolist())
    found = page(replace(rows, raters=raters))
    # 3 of 4 raters give the label, and each of them is right about the plurality of the others.
    assert found.rows[1].startswith("UA in % 55.0 ")
    assert found.rows[7] == "UA of one rater in % 75.0 75.0 to 75.0 50.0 50.0 75.0 ± 0.0 75.0"
    assert found.rows[5].startswith("cross-entropy with votes (nats) ")
    assert (
        "One rater predicts the plurality of the other raters with UA 75.0 % and WA 75.0 %; the model "
        "predicts the label with UA 55.0 % and WA 55.0 %. A model can exceed one rater" in found.text
    )
    assert "One rater" not in page(rows).text


def test_without_an_interval_the_reason_stands_there():
    text = page(predictions(n_speakers=4)).text
    assert "No interval: 4 speakers, and an interval over speakers needs 5 or more." in text
    assert "bootstrap" not in text


def test_the_page_needs_no_network_and_no_other_file():
    html = html_of(predictions(), history=HISTORY)
    found = Page(html)
    assert {address[:5] for address in found.addresses + found.pictures} == {"data:"}
    without_pictures = re.sub(r"data:[^\"]+", "", html)
    assert "http://" not in without_pictures
    assert "https://" not in without_pictures
    assert not re.search(r"url\(|@import", without_pictures)
    assert "script" not in {tag for tag, _ in found.tags}


@pytest.mark.rendered
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
    html = html_of(rows, evil, history=HISTORY, facts={evil: evil}, notes=[evil], banners=[evil])
    assert "<script" not in html
    found = Page(html)
    assert found.text.count(evil) > 6
    assert "b&b" in found.text


def test_tables_hold_every_class_speaker_and_fold():
    found = page()
    assert "anger 20 55.0 55.0 55.0 fear 45 %" in found.rows  # recall, precision, F1, mostly predicted as
    assert "fear 9 (45.0) 11 (55.0)" in found.rows
    assert "female 5 40 55.0 55.0" in found.rows
    assert "00 female 8 100.0 100.0 best" in found.rows
    assert "01 female 8 75.0 75.0" in found.rows
    assert "03 female 8 25.0 25.0 worst" in found.rows
    assert "speaker 02, seed 0 8 50.0 50.0" in found.rows
    # Of 100, 75, 50, 25, 25.
    assert "UA 55.0 ± 32.6 %, WA 55.0 ± 32.6 %: mean and standard deviation over 5 trained" in found.text
    assert "Best 00 100.0 %, worst 03 25.0 % (UA), of 5 speakers." in found.text


def test_calibration_names_its_estimator():
    found = page()  # always sure, right in 55 of 100
    assert "Calibration (ECE: plug-in, L1, 15 bins of equal width)" in found.text
    assert "45.0 0.900 100.0 55.0" in found.rows
    assert "93.3 to 100.0 40 100.0 55.0" in found.rows


def test_acc_and_f1_are_beside_ua_and_wa():
    rows = page().rows
    assert [row.split()[0] for row in rows[1:4]] == ["UA", "WA", "ACC"]
    assert rows[4].startswith("macro F1 55.0 ")


FINDINGS = [
    {"check": "speakers", "verdict": "leak", "fact": "2 speakers in train and test", "reason": None, "x": 1},
    {"check": "texts", "verdict": "known", "fact": "10 texts", "reason": "all say the same"},
    {"check": "dialogs", "verdict": "not checked", "fact": "none", "reason": None},
]


def test_a_leak_is_in_the_head_and_in_a_table():
    audit = AuditResult.of(FINDINGS)
    found = page(audit=audit, protocol="leave-one-speaker-out@1 (digest abcd)")
    assert found.text.index("leak found: speakers") < found.text.index("55.0 %")
    assert "Protocol leave-one-speaker-out@1 (digest abcd)." in found.text
    assert "speakers leak 2 speakers in train and test" in found.rows
    assert "texts known 10 texts all say the same" in found.rows
    assert audit.banners == ("Leak (speakers): 2 speakers in train and test. The metrics are too good.",)


def test_an_audit_in_a_line():
    assert AuditResult.of(FINDINGS[1:]).verdict == (
        "no leak found, 1 of 2 checks apply; known to be shared: texts"
    )
    assert AuditResult(why_not="no corpus").verdict == "not audited: no corpus"


def test_an_audit_that_could_not_compare_speakers_is_not_clean():
    doubt = FINDINGS[0] | {"verdict": "not checked", "fact": "1 speaker has two spellings"}
    audit = AuditResult.of([doubt, *FINDINGS[1:]])
    assert audit.verdict.startswith("speakers not checked; otherwise no leak found, 1 of 3 checks apply")
    (warning,) = audit.banners
    assert warning.startswith("Speakers could not be compared: 1 speaker has two spellings. The same people")


def test_without_an_audit_there_is_no_table_of_checks():
    assert "Checks as a table" not in page(audit=AuditResult(why_not="no corpus")).text


def test_seeds_have_their_own_table():
    found = page(predictions(seeds=(0, 7)))
    text = found.text
    assert "Folds and seeds" in text
    assert found.rows[1].endswith(" 55.0 ± 0.0")
    assert "7 40 55.0 55.0" in found.rows
    assert "40 utterances of 5 speakers, 2 classes, 5 folds, 2 seeds" in text
    assert "speaker 02, seed 7 8 50.0 50.0" in found.rows
    assert any(row.startswith("anger 40 55.0 ") for row in found.rows)


def test_a_class_that_never_occurs_is_a_dash():
    assert "calm 0 – – – –" in page(predictions(classes=("anger", "fear", "calm"))).rows


def test_unknown_speakers_leave_out_their_section():
    rows = predictions()
    unknown = replace(rows, speakers=(None,) * 40, genders=(None,) * 40)
    text = page(unknown).text
    assert "No interval: the speaker of 40 utterances is unknown." in text
    assert "Speakers, in %, as a table" not in text


@pytest.mark.rendered
def test_equal_runs_have_equal_pages():
    pages = {html_of(predictions(), history=HISTORY, facts={"Corpus": "synth"}) for _ in range(2)}
    assert len(pages) == 1


@pytest.mark.parametrize("n_classes", [2, 14])
def test_the_page_is_complete_for_few_and_many_classes(n_classes):
    found = page(predictions(classes=tuple(f"class {i}" for i in range(n_classes))))
    wide = [attrs for tag, attrs in found.tags if tag == "picture" and attrs.get("class") == "wide"]
    assert len(wide) == (n_classes > 8)
    assert f"class {n_classes - 1}" in found.text
