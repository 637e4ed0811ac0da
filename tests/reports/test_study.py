"""A study's report, from fabricated runs whose figures are known by hand."""

import csv
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import yaml
from reports.test_run import Page
from reports.test_tables import latex_problems
from reports.test_traces import predictions as trace_predictions
from reports.test_traces import settings

from sercli import cli
from sercli.errors import ConfigError, RunError
from sercli.evaluation.predictions_csv import write_predictions
from sercli.files import write_text
from sercli.plain.yaml import to_yaml
from sercli.records import ClassPredictions
from sercli.reports.study import locate_study, report_study
from sercli.reports.study_cells import report_cells
from sercli.reports.study_page import render_study, write_study
from sercli.reports.study_pictures import find_curves
from sercli.reports.study_tables import column_table
from sercli.reports.study_values import PaperValue
from sercli.runs.folder import Run
from sercli.studies import Display, get_study
from sercli.training.settings import complete
from sercli.workspace import Workspace

pytestmark = pytest.mark.usefixtures("blank_pictures")

STUDY = {
    "title": "What <b>attention</b> brings",
    "source": "a paper, table 1",
    "arch": "mdcnn",
    "on": ["emodb-4", "ravdess-4"],
    "doubtful": ["The optimiser is not in the paper."],
    "references": {"Others": {"emodb-4": {"ua": 61.25}}},
    "rows": [
        {
            "name": "plain",
            "set": {"model.attention": False},
            "paper": {"emodb-4": {"ua": 60.03, "acc": 50}},
        },
        {"name": "attention", "set": {"model.attention": True}, "paper": {"emodb-4": {"ua": 75}}},
        {"name": "the same again", "from": "attention"},
        {"name": "softmax", "from": "attention", "set": {"model.head": "softmax"}},
    ],
}
CLASSES = ("anger", "fear")
SPEAKERS = {1: ("a", "b", "c"), 2: ("d", "e", "f")}


def predictions(fold, wrong, seed=0):
    """Each speaker says both classes four times; ``wrong`` of each four are taken for the other class."""
    rows = [(who, label, take) for who in SPEAKERS[fold] for label in (0, 1) for take in range(4)]
    target = np.array([label for _, label, _ in rows])
    predicted = [1 - label if take < wrong else label for _, label, take in rows]
    return ClassPredictions(
        classes=CLASSES,
        ids=tuple(f"emodb/{who}-{label}-{take}" for who, label, take in rows),
        target=target,
        probabilities=np.eye(2)[predicted],
        speakers=tuple(who for who, _, _ in rows),
        genders=(None,) * len(rows),
        folds=(f"fold {fold}",) * len(rows),
        seeds=(seed,) * len(rows),
    )


def finish(workspace, cell, fold, told, write, task="classification"):
    """Leave a finished trial of a cell, as training does."""
    chosen = complete(cell.settings).with_training(precision="32-true")
    trial = Run(workspace.runs / chosen.name("0" * 64)).trial(fold, 0)
    provenance = settings(task)["provenance"] | {"classes": list(CLASSES), "folds": 2}
    write_text(trial.config_file, to_yaml(chosen.to_dict() | {"provenance": provenance}))
    write(trial.predictions_file, told)
    metrics = {
        "fold": fold,
        "fold_name": f"fold {fold}",
        "seed": 0,
        "epoch": 1,
        "epochs": 2,
        "seconds": 90 * fold,
        "utterances": {"train": 9, "dev": 0, "test": len(told)},
    }
    write_text(trial.metrics_file, json.dumps(metrics))


@pytest.fixture
def place(tmp_path):
    return Workspace(tmp_path / "w")


def study_of(place, study=STUDY):
    place.root.mkdir(exist_ok=True)
    path = place.root / "mine.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    return get_study(str(path))


@pytest.fixture
def study(place):
    """Two of four are wrong in the plain row, one of four with attention, none with softmax."""
    found = study_of(place)
    # No cell's corpus is prepared: runs say what theirs is.
    for cell in found.cells(on=["emodb-4"]):
        wrong = {"plain": 2, "softmax": 0}.get(cell.row.name, 1)
        for fold in (1, 2):
            finish(place, cell, fold, predictions(fold, wrong), write_predictions)
    for each in place.runs.glob("*/*/*/config.yaml"):
        each.write_text(each.read_text().replace("corpus: recola", "corpus: emodb"))
    return found


def test_figures_stand_beside_the_papers_and_those_of_another_row(study, place):
    first, second, third, fourth = report_cells(study, study.cells(on=["emodb-4"]), place)[0]
    ua, wa, acc = first.values
    assert (ua.key, ua.pooled, ua.paper, ua.paper_in_interval, ua.base) == (
        "ua",
        0.5,
        PaperValue(0.6003, 2),
        False,
        None,
    )
    assert ua.from_paper == pytest.approx(-0.1003)
    assert (wa.key, wa.paper, acc.key, acc.pooled, acc.paper_in_interval) == ("wa", None, "acc", 0.5, True)
    assert (second.values[0].pooled, second.values[0].paper_in_interval) == (0.75, True)
    above = second.values[0].base
    # All six speakers gain: of 64 flips two differ as much. Two tests are in the column.
    assert (above.row, above.value, above.p, above.p_holm) == ("plain", 0.25, 2 / 64, 4 / 64)
    assert third.values[0].base.why_not == "both rows are the same run"
    assert fourth.values[0].base.p == 2 / 64
    assert second.values[1].base is None
    assert first.seconds == 135
    assert first.size.parameters < second.size.parameters


def test_rows_are_compared_on_the_folds_that_both_have(study, place):
    found = report_cells(study, study.cells(on=["emodb-4"]), place)[0][1].report.run
    (found.path / "fold-02" / "seed-0" / "metrics.json").unlink()
    second = report_cells(study, study.cells(on=["emodb-4"]), place)[0][1]
    assert second.cell.row.name == "attention"
    above = second.values[0].base
    assert (above.value, above.p) == (0.25, None)
    assert "3 speakers" in above.why_not


def test_the_papers_rounding_does_not_decide_whether_it_lies_within(study, place):
    found = report_cells(study, study.cells(on=["emodb-4"]), place)[0][1].values[0]
    # The interval is 75 to 75: all speakers are alike.
    assert (found.interval.low, found.interval.high) == (0.75, 0.75)
    papers = (
        PaperValue(0.74996, 2),
        PaperValue(0.7494, 2),
        PaperValue(0.7494, 0),
        PaperValue(0.7549, 1),
        None,
    )
    assert [replace(found, paper=paper).paper_in_interval for paper in papers] == [
        True,
        False,
        True,
        False,
        None,
    ]


def test_a_row_is_compared_with_the_row_that_it_starts_from(place):
    plain, five = {"model.eca_layers": []}, {"model.eca_kernel": 5}
    varied = {"features.window_ms": [15, 25]}
    study = study_of(
        place,
        {
            "title": "One factor at a time",
            "arch": "eca",
            "on": ["emodb-4"],
            "set": {"model.n": 1},
            "rows": [
                {"name": "base"},
                {"name": "plain", "from": "base", "set": plain},
                {"name": "five", "from": "base", "set": five},
                {"name": "other", "set": {"model.eca_layers": [2]}},
                {"name": "grid", "from": "base", "vary": varied},
                {"name": "grid of five", "from": "grid", "set": five, "vary": varied},
                {"name": "other grid", "vary": varied},
                {"name": "plain grid", "set": plain, "vary": varied},
                {"name": "kernels", "vary": {"model.eca_kernel": [3, 9]}},
            ],
        },
    )
    wrong = {"base": 2, "plain": 1, "five": 0}
    for cell in study.cells():
        for fold in (1, 2):
            finish(place, cell, fold, predictions(fold, wrong.get(cell.row.group, 1)), write_predictions)
    for each in place.runs.glob("*/*/*/config.yaml"):
        each.write_text(each.read_text().replace("corpus: recola", "corpus: emodb"))
    report = report_study(study, study.cells(), place, draws=100)
    bases = {each.cell.row.name: each.values[0].base and each.values[0].base.row for each in report.found}
    assert bases == {
        "base": None,
        "plain": "base",
        "five": "base",
        "other": "base",
        "grid, window_ms 15": "base",
        "grid, window_ms 25": "base",
        "grid of five, window_ms 15": "grid, window_ms 15",
        "grid of five, window_ms 25": "grid, window_ms 25",
        "other grid, window_ms 15": "other",
        "other grid, window_ms 25": "other grid, window_ms 15",
        "plain grid, window_ms 15": "other grid, window_ms 15",
        "plain grid, window_ms 25": "plain grid, window_ms 15",
        "kernels, eca_kernel 3": "other",
        "kernels, eca_kernel 9": "kernels, eca_kernel 3",
    }
    five = next(each for each in report.found if each.cell.row.name == "five").values[0].base
    # Six speakers, a difference of a half for each of them; thirteen tests are in the column.
    assert (five.value, five.p) == (0.5, 2 / 64)
    assert five.p_holm == pytest.approx(13 * 2 / 64)
    text = Page(render_study(report)).text
    assert "compared with" in text


def curves(axes):
    """Lines, without the one of guessing."""
    return [line for line in axes.get_lines() if line.get_label() != "chance"]


@pytest.mark.rendered
def test_the_page_has_the_table_again_and_what_bears_on_it(study, place):
    report = report_study(study, study.cells(), place, [("training.max_epochs", 2)][:0])
    html = render_study(report)
    page = Page(html)
    text = page.text
    assert "What <b>attention</b> brings" in text
    for words in (
        "a paper, table 1",
        "The optimiser is not in the paper.",
        "Not trained yet: plain on ravdess-4; attention on ravdess-4",
        "One training a fold",
        "75.0 to 75.0",
        "60.03",
        "−10.0",
        "+25.0",
        "Others",
        "UA 61.25 %",
        "No test against another row: both rows are the same run (the same again on emodb-4).",
    ):
        assert words in text, words
    assert page.addresses == ["data:,"]
    assert all(each.startswith("data:image/svg+xml;base64,") for each in page.pictures)
    assert html == render_study(report_study(study, study.cells(), place))


def test_only_networks_that_begin_at_random_need_more_seeds(study, place):
    found = report_study(study, study.cells(), place).found
    assert all(each.report.one_seed for each in found)
    for trial in found[0].report.trials:
        trial.config_file.write_text(trial.config_file.read_text().replace("arch: mdcnn", "arch: linear"))
    assert not found[0].report.one_seed


def test_tables_and_pictures_lie_beside_the_page(study, place):
    report = report_study(study, study.cells(), place)
    page = locate_study(report, place)
    write_study(report, page)
    assert (page.parent.parent, page.name) == (place.root / "reports", "report.html")
    assert re.fullmatch("study-mine-[0-9a-f]{8}", page.parent.name)
    assert "| attention | mdcnn |" in (page.parent / "table.md").read_text()
    names = {path.name for path in page.parent.iterdir()}
    assert names == {
        *("report.html", "metrics.json", "table.csv", "table.md", "table.tex"),
        *("emodb-4.png", "emodb-4.pdf"),
    }
    assert latex_problems((page.parent / "table.tex").read_text()) == []
    rows = list(csv.DictReader((page.parent / "table.csv").open()))
    second = next(row for row in rows if (row["row"], row["figure"]) == ("attention", "UA"))
    assert (second["value"], second["paper"], second["paper_in_interval"]) == ("0.75", "0.75", "yes")
    assert (second["above"], float(second["p"]), second["folds"]) == ("plain", 2 / 64, "2")
    told = json.loads((page.parent / "metrics.json").read_text())
    assert [each["row"] for each in told["missing"]] == [row.name for row in study.rows]
    assert told["figures"][0]["paper"] == 0.6003


def test_changes_are_told_and_have_a_page_of_their_own(study, place):
    changes = [("training.max_epochs", 100)]  # the recipe's own number: the same runs
    report = report_study(study, study.cells(on=["emodb-4"], changes=changes), place, changes)
    assert "Changed in every row: training.max_epochs=100" in report.banners[0]
    other = locate_study(report, place).parent.name
    assert other.startswith("study-mine-")
    assert other != locate_study(report_study(study, study.cells(), place), place).parent.name


def test_two_files_of_one_name_have_a_page_each(study, place, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    copy = get_study(str(shutil.copy(study.file, elsewhere)))
    pages = {locate_study(report_study(each, each.cells(), place), place) for each in (study, copy)}
    assert len(pages) == 2


def test_without_a_finished_trial_it_says_what_to_run(study, place):
    with pytest.raises(RunError, match="run `sercli ablate mine`"):
        report_study(study, study.cells(on=["ravdess-4"]), place)


def test_the_command_prints_the_table_and_says_where_the_page_is(study, place, monkeypatch, capsys):
    line = ["report", str(study.file), "--on", "emodb-4", "--draws", "100", "--workspace", str(place.root)]
    monkeypatch.setattr("sys.argv", ["sercli", *line])
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    said = capsys.readouterr().out
    assert re.search(r"^attention +UA +75\.00 +75\.0 +75\.0 to 75\.0", said, re.MULTILINE)
    assert re.search(r"^report  .*report\.html$", said, re.MULTILINE)
    monkeypatch.setattr("sys.argv", ["sercli", *line, "--json"])
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    assert json.loads(capsys.readouterr().out)["study"] == "mine"


def test_what_is_varied_is_drawn_as_curves(place):
    study = study_of(
        place,
        {
            "title": "Kernels",
            "arch": "eca",
            "on": ["emodb-4"],
            "vary": {"model.eca_kernel": [3, 5], "features.window_ms": {"v1": 15, "v3": 25, "v5": 35}},
        },
    )
    for number, cell in enumerate(study.cells()):
        for fold in (1, 2):
            finish(place, cell, fold, predictions(fold, number % 4), write_predictions)
    for each in place.runs.glob("*/*/*/config.yaml"):
        each.write_text(each.read_text().replace("corpus: recola", "corpus: emodb"))
    from sercli.reports.study_pictures import draw_column

    found = report_cells(study, study.cells(), place, 100)[0]
    figure = draw_column("emodb-4", found, study.display)
    assert [axes.get_ylabel() for axes in figure.axes] == ["UA in %", "WA in %"]
    ticks = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert ticks == ["v1", "v3", "v5"]
    assert len(curves(figure.axes[0])) == 2


def test_continuous_labels_are_told_by_dimension(place):
    study = study_of(
        place,
        {
            "title": "Stacking",
            "paper_is": "mean over folds",
            "arch": "diccoser",
            "on": [{"name": "recola", "corpus": "recola", "scheme": "arousal-valence"}],
            "rows": [
                {"name": "a", "set": {"model.variant": "a"}, "paper": {"recola": {"ccc_arousal": 0.666}}},
                {"name": "d", "set": {"model.variant": "d"}},
            ],
        },
    )
    for cell in study.cells():
        for fold, speakers in ((1, (0, 1, 2)), (2, (3, 4))):
            told = trace_predictions(speakers, f"fold {fold}")
            finish(place, cell, fold, told, write_predictions, "regression")
    report = report_study(study, study.cells(), place, draws=100)
    keys = [figure.key for figure in report.found[0].values]
    assert keys == ["ccc_arousal", "ccc_valence"]
    assert report.found[0].values[0].paper == PaperValue(0.666, 3)
    assert report.found[1].values[0].base.value == 0
    assert "arousal CCC" in Page(render_study(report)).text
    first = report.found[0].values[0]
    assert first.from_paper == pytest.approx(first.spread.mean - 0.666)
    assert first.spread.mean != pytest.approx(first.pooled)
    table = column_table("recola", report.found)
    assert "mean over folds and seeds, differences and p of pooled values" in table.caption
    assert "difference of pooled" in table.header


def test_a_damaged_run_is_told_and_the_others_go_on(study, place):
    found = report_cells(study, study.cells(on=["emodb-4"]), place)[0]
    found[3].report.trials[0].predictions_file.write_text("id,fold\n")
    report = report_study(study, study.cells(on=["emodb-4"]), place)
    assert [each.cell.row.name for each in report.found] == ["plain", "attention", "the same again"]
    assert report.banners[0].startswith("softmax on emodb-4 can't be reported: ")
    assert not any("Not trained yet" in banner for banner in report.banners)


def test_a_report_without_a_damaged_run_ends_with_an_error(study, place, monkeypatch, capsys):
    file = report_cells(study, study.cells(on=["emodb-4"]), place)[0][3].report.trials[0].predictions_file
    header, *rows = file.read_text().splitlines()
    file.write_text("\n".join([header, *rows[::2]]) + "\n")
    line = ["report", str(study.file), "--on", "emodb-4", "--draws", "100", "--workspace", str(place.root)]
    monkeypatch.setattr("sys.argv", ["sercli", *line])
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    printed, said = capsys.readouterr()
    assert "attention" in printed
    assert re.fullmatch(rf"error: softmax on emodb-4 .*{file}: \d+ of \d+ utterances are missing; .*\n", said)


def test_uneven_folds_and_seeds_are_told(study, place):
    cell = study.cells(on=["emodb-4"])[1]
    run = report_cells(study, [cell], place)[0][0].report.run
    second = run.trial(1, 1)
    second.path.mkdir(parents=True)
    for name in ("config.yaml", "metrics.json"):
        (second.path / name).write_bytes((run.trial(1, 0).path / name).read_bytes())
    write_predictions(second.predictions_file, predictions(1, 3, seed=1))
    banners = " ".join(report_study(study, study.cells(on=["emodb-4"]), place).banners)
    assert "have not finished the same folds and seeds" in banners
    assert "not every fold has the same seeds" in banners


def test_rows_of_other_folds_are_not_tested(study, place):
    found = report_cells(study, study.cells(on=["emodb-4"]), place)[0]
    for trial in found[1].report.trials:
        trial.config_file.write_text(trial.config_file.read_text().replace("abcd", "other"))
    again = report_cells(study, study.cells(on=["emodb-4"]), place)[0]
    assert again[1].values[0].base.why_not == "their folds differ"


def test_a_grid_is_compared_along_its_inner_setting(place):
    study = study_of(
        place,
        {
            "title": "Grid",
            "arch": "eca",
            "on": ["emodb-4"],
            "vary": {"model.eca_kernel": [3, 5], "features.window_ms": [15, 25]},
        },
    )
    for cell in study.cells():
        for fold in (1, 2):
            finish(place, cell, fold, predictions(fold, 1), write_predictions)
    for each in place.runs.glob("*/*/*/config.yaml"):
        each.write_text(each.read_text().replace("corpus: recola", "corpus: emodb"))
    found = report_cells(study, study.cells(), place)[0]
    why = [each.values[0].base and each.values[0].base.why_not for each in found]
    assert why == [None, None, "more than one setting differs where a row of the grid begins", None]


@pytest.mark.rendered
def test_pictures_of_columns_with_odd_names_lie_side_by_side(place):
    names = ["x y", "x-y", r"$\bar$ " + "é" * 200]
    columns = [
        {"name": name, "corpus": "emodb", "scheme": "emodb-4", "set": {"training.max_epochs": number}}
        for number, name in enumerate(names, 1)
    ]
    study = study_of(
        place, {"title": "Odd", "arch": "mdcnn", "on": columns, "rows": [{"name": r"a $\foo$ b"}]}
    )
    for cell in study.cells():
        finish(place, cell, 1, predictions(1, 1), write_predictions)
    report = report_study(study, study.cells(), place, draws=100)
    page = locate_study(report, place)
    write_study(report, page)
    assert len(list(page.parent.glob("*.png"))) == 3


def test_the_paper_is_pooled_or_a_mean(place):
    with pytest.raises(ConfigError, match=r"mine.yaml:\d+: paper_is is pooled or mean over folds"):
        study_of(place, STUDY | {"paper_is": "median"})


def with_histories(place, study):
    """Give every finished trial two epochs, whose UA tells row and fold."""
    for number, cell in enumerate(study.cells(on=["emodb-4"]), 1):
        run = Run(place.runs / complete(cell.settings).with_training(precision="32-true").name("0" * 64))
        for trial in run.finished():
            ua = (number + trial.fold / 10) / 10
            lines = f"epoch,train_loss,train_ua,dev_ua\n1,1,{ua},{ua / 2}\n2,1,{ua},{ua / 2}\n"
            trial.history_file.write_text(lines)


def test_training_curves_of_chosen_rows_stand_side_by_side_and_name_their_fold(place, study):
    study = study_of(place, STUDY | {"curves": {"rows": ["plain", "softmax"], "fold": 2}})
    with_histories(place, study)
    report = report_study(study, study.cells(), place, draws=20)
    curves = find_curves(report.columns["emodb-4"], study.display)
    assert curves.trial == "fold 2 (fold 2), seed 0"
    plain, softmax = curves.draw(title="emodb-4").axes
    assert (plain.get_title("left"), softmax.get_title("left")) == ("plain", "softmax")
    lines = {line.get_label(): list(line.get_ydata()) for line in plain.lines}
    assert lines == {"train": pytest.approx([0.12, 0.12]), "dev": pytest.approx([0.06, 0.06])}
    assert list(softmax.lines[0].get_ydata()) == pytest.approx([0.42, 0.42])
    assert "only for fold 2 (fold 2), seed 0" in render_study(report)


def test_where_the_fold_is_missing_the_first_shared_one_is_drawn(place, study):
    study = study_of(place, STUDY | {"curves": {"rows": "all", "fold": 7}})
    with_histories(place, study)
    report = report_study(study, study.cells(), place, draws=20)
    assert find_curves(report.columns["emodb-4"], study.display).trial == "fold 1 (fold 1), seed 0"
    assert find_curves(report.columns["emodb-4"], Display()) is None


@pytest.mark.parametrize(
    ("curves", "why"),
    [
        ({"rows": ["plane"]}, "did you mean plain"),
        ({"rows": ["plain"], "fold": 0}, "fold is a number from 1, not 0"),
        ({"rows": ["plain"], "folds": 2}, "did you mean fold"),
    ],
)
def test_wrong_curves_are_refused(place, curves, why):
    with pytest.raises(ConfigError, match=why):
        study_of(place, STUDY | {"curves": curves})
