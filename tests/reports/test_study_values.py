"""What a study's report shows: the paper's marks, the basis, metrics, axes and confusion matrices."""

import csv

import numpy as np
import pytest
from matplotlib.colors import to_hex
from reports.test_run import Page
from reports.test_study import curves, finish, predictions, study_of
from reports.test_traces import predictions as trace_predictions

from sercli import cli
from sercli.errors import ConfigError, RunError, SerError
from sercli.evaluation import Interval, MetricRow, MetricTable
from sercli.evaluation.predictions_csv import write_predictions
from sercli.files import write_json
from sercli.records import ClassPredictions
from sercli.reports.cross_corpus import describe_tested
from sercli.reports.study import locate_study, report_study
from sercli.reports.study_cells import report_cells
from sercli.reports.study_page import render_study, write_study
from sercli.reports.study_pictures import draw_column, draw_columns
from sercli.reports.study_tables import find_elsewhere
from sercli.reports.tables import to_text
from sercli.workspace import Workspace

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture
def place(tmp_path):
    return Workspace(tmp_path / "w")


def finished(place, study, wrong=lambda number, fold: 1):
    """Finish every cell on two folds; ``wrong`` says how many of four are wrong in a row on a fold."""
    found = study_of(place, study)
    for number, cell in enumerate(found.cells()):
        for fold in (1, 2):
            finish(place, cell, fold, predictions(fold, wrong(number, fold)), write_predictions)
    for each in place.runs.glob("*/*/*/config.yaml"):
        each.write_text(each.read_text().replace("corpus: recola", "corpus: emodb"))
    return found


def two_rows(**other):
    return {
        "title": "Two rows",
        "arch": "mdcnn",
        "on": ["emodb-4"],
        "rows": [
            {"name": "plain", "set": {"model.attention": False}},
            {"name": "attention", "set": {"model.attention": True}},
        ],
    } | other


def written(report, place):
    page = locate_study(report, place)
    write_study(report, page)
    return page


@pytest.mark.parametrize(("given", "value", "printed"), [("~57.5", 0.575, "~57.5"), ("~ 9", 0.09, "~9.0")])
def test_a_derived_value_carries_its_mark_in_every_table(place, given, value, printed):
    paper = {"plain": {"emodb-4": {"ua": given}}, "attention": {"emodb-4": {"ua": 61.5}}}
    references = {"Others": {"emodb-4": {"wa": given}}}
    study = finished(place, two_rows(paper=paper, references=references))
    report = report_study(study, study.cells(), place, draws=50)
    page = written(report, place)
    text = Page(page.read_text()).text
    assert f"{printed} " in f"{text} "
    assert "~ before a value of the paper" in text
    assert f"UA | {printed} |" in (page.parent / "table.md").read_text()
    assert rf"UA & \textasciitilde{{}}{printed[1:]} &" in (page.parent / "table.tex").read_text()
    rows = list(csv.DictReader((page.parent / "table.csv").open()))
    marks = {row["row"]: (float(row["paper"]), row["paper_mark"]) for row in rows if row["figure"] == "UA"}
    assert marks == {"plain": (value, "~"), "attention": (0.615, "")}
    told = "\n".join(map(to_text, report.tables))
    assert f"  {printed}  " in told
    assert f"WA {printed.removesuffix('.0')} %" in told


def test_the_overview_marks_derived_continuous_values_too(place):
    on = [
        {"name": "recola", "corpus": "recola", "scheme": "arousal-valence"},
        {"name": "again", "corpus": "recola", "scheme": "arousal-valence", "set": {"training.lr": 0.5}},
    ]
    paper = {"recola": {"ccc_arousal": "~.666", "ccc_valence": 0.438}}
    study = study_of(
        place,
        {"title": "Stacking", "arch": "diccoser", "on": on, "rows": [{"name": "a", "paper": paper}]},
    )
    for cell in study.cells():
        finish(place, cell, 1, trace_predictions((0, 1, 2), "fold 1"), write_predictions, "regression")
    overview, first, *_ = report_study(study, study.cells(), place, draws=50).tables
    assert overview.header[1] == "recola: arousal CCC, valence CCC"
    assert "(~0.666)" in overview.rows[0][1]
    assert "(0.438)" in overview.rows[0][1]
    assert [row[2] for row in first.rows] == ["~0.666", "0.438"]


@pytest.mark.parametrize("figure", ["a lot", "~", "~~5", "~57 %", "57~", True])
def test_what_is_no_value_is_refused_with_its_line(place, figure):
    with pytest.raises(ConfigError, match=r"mine.yaml:\d+: ua: a score is a number, or ~ and a number"):
        study_of(place, two_rows(paper={"plain": {"emodb-4": {"ua": figure}}}))


def test_a_study_of_means_sets_the_paper_against_the_mean_and_draws_it(place):
    # Fold 1 has three speakers with one class wrong in four, fold 2 has them all right but one speaker.
    paper = {"plain": {"emodb-4": {"ua": 60}}}
    uneven = {1: ("a", "b", "c", "d", "e"), 2: ("f",)}

    def told(fold):
        found = predictions(1, 0)
        speakers = [who for who in uneven[fold] for _ in range(8)]
        target = np.array([0, 0, 0, 0, 1, 1, 1, 1] * len(uneven[fold]))
        predicted = np.where(np.arange(len(target)) % 4 < (1 if fold == 1 else 3), 1 - target, target)
        return ClassPredictions(
            classes=found.classes,
            ids=tuple(f"{fold}-{number}" for number in range(len(target))),
            target=target,
            probabilities=np.eye(2)[predicted],
            speakers=tuple(speakers),
            genders=(None,) * len(target),
            folds=(f"fold {fold}",) * len(target),
            seeds=(0,) * len(target),
        )

    reports = {}
    for basis in ("pooled", "mean over folds"):
        study = study_of(place, two_rows(paper=paper, paper_is=basis))
        for cell in study.cells():
            for fold in (1, 2):
                finish(place, cell, fold, told(fold), write_predictions)
        for each in place.runs.glob("*/*/*/config.yaml"):
            each.write_text(each.read_text().replace("corpus: recola", "corpus: emodb"))
        reports[basis] = report_study(study, study.cells(), place, draws=400)
    pooled, mean = (reports[basis].found[0].values[0] for basis in reports)
    # Pooled: 5 x 6 and 2 of 48 are right; the folds have 3/4 and 1/4.
    assert (pooled.value, mean.value) == (pytest.approx(32 / 48), pytest.approx(0.5))
    assert (pooled.from_paper, mean.from_paper) == (pytest.approx(32 / 48 - 0.6), pytest.approx(-0.1))
    assert mean.interval.low < 0.5 < mean.interval.high
    assert mean.paper_in_interval == (mean.interval.low <= 0.6 <= mean.interval.high)
    assert (mean.pooled, mean.pooled_interval) == (pooled.pooled, pooled.pooled_interval)
    for basis, value in (("pooled", 32 / 48), ("mean over folds", 0.5)):
        report = reports[basis]
        (axes, _) = draw_column("", report.found, report.study.display).axes
        dots = next(each for each in axes.collections if each.get_label() == "ours")
        assert dots.get_offsets()[0][0] == pytest.approx(value)
        column = report.tables[0]
        ours = column.header.index("ours")
        assert column.rows[0][ours] == f"{100 * value:.1f}"
        assert ("pooled" in column.header) == (basis != "pooled")
        assert basis.split()[0] in column.caption
        # Of 3/4 and 1/4: the deviation is the square root of 1/8.
        spread = column.rows[0][column.header.index("folds and seeds")]
        assert spread == {"pooled": "50.0 ± 35.4", "mean over folds": "± 35.4"}[basis]


def test_a_column_of_the_overview_has_one_metric(place):
    on = ["emodb-4", {"name": "other", "scheme": "emodb-4", "set": {"training.lr": 0.5}}]
    study = finished(place, two_rows(on=on, paper={"plain": {"emodb-4": {"wa": 68.88}}}))
    overview = report_study(study, study.cells(), place, draws=50).tables[0]
    assert overview.header == ("row", "emodb-4: WA", "other: WA")
    assert overview.rows == (("plain", "75.0 (68.88)", "75.0"), ("attention", "75.0", "75.0"))


def test_where_the_paper_has_no_values_none_are_mentioned(place):
    about = "The figures of the paper are odd."
    extra = {
        "on": ["emodb-4", "ravdess-4"],
        "paper": {"plain": {"ravdess-4": {"ua": 60}}},
        "about_values": [about],
        "doubtful": ["The optimiser is open."],
    }
    study = finished(place, two_rows(**extra))
    text = Page(render_study(report_study(study, study.cells(on=["emodb-4"]), place, draws=50))).text
    assert "The optimiser is open." in text
    for word in (about, "own figures", "less the paper", "Paper’s within", "value of the paper"):
        assert word not in text, word
    both = Page(render_study(report_study(study, study.cells(), place, draws=50))).text
    assert about in both
    assert "Paper’s within" in both


def test_the_recall_of_each_class_is_in_table_and_picture(place):
    study = finished(place, two_rows(metrics=["wa", "recall"]))
    report = report_study(study, study.cells(), place, draws=50)
    keys = [figure.key for figure in report.found[0].values]
    assert keys == ["wa", "recall_anger", "recall_fear"]
    assert [row[1] for row in report.tables[0].rows][:3] == ["WA", "recall of anger", "recall of fear"]
    wa, recalls = draw_column("", report.found, study.display).axes
    assert recalls.get_xlabel() == "recall in %"
    assert {each.get_label() for each in recalls.collections} >= {"anger", "fear"}
    assert "anger" not in {each.get_label() for each in wa.collections}


def test_the_paper_may_report_recalls(place):
    study = finished(place, two_rows(paper={"plain": {"emodb-4": {"recall_fear": 90}}}))
    (fear,) = [each for each in report_cells(study, study.cells(), place, 50)[0][0].values if each.paper]
    assert (fear.key, fear.pooled, fear.from_paper) == ("recall_fear", 0.75, pytest.approx(-0.15))


def test_values_without_gender_stand_where_classes_carry_one(place):
    study = study_of(place, two_rows(metrics=["ua", "without_gender"]))
    first, second = study.cells()
    gendered = ("female anger", "female fear", "male anger", "male fear")
    # Of each class three: one right, one taken for the other gender, one for the other emotion.
    target = np.repeat(np.arange(4), 3)
    predicted = np.array([label ^ flip for label in range(4) for flip in (0, 2, 1)])
    told = ClassPredictions(
        classes=gendered,
        ids=tuple(f"u{number}" for number in range(12)),
        target=target,
        probabilities=np.eye(4)[predicted],
        speakers=tuple("abcdefghijkl"),
        genders=(None,) * 12,
        folds=("fold 1",) * 12,
        seeds=(0,) * 12,
    )
    finish(place, first, 1, told, write_predictions)
    finish(place, second, 1, predictions(1, 1), write_predictions)
    found = report_cells(study, study.cells(), place, 50)[0]
    values = [{each.key: each.pooled for each in cell.values} for cell in found]
    assert values[0] == pytest.approx({"ua": 1 / 3, "ua_without_gender": 2 / 3, "wa_without_gender": 2 / 3})
    assert values[1] == {"ua": 0.75}
    assert found[0].values[1].name == "UA without gender"


GRID = {
    "title": "Grid",
    "arch": "eca",
    "on": ["emodb-4"],
    "plot": {"x": "features.window_ms"},
    "rows": [
        {"name": "CNN", "vary": {"model.n": [1, 2, 3], "features.window_ms": {"v1": 15, "v2": 20}}},
        {
            "name": "power of two",
            "set": {"features.n_fft": "power-of-two"},
            "vary": {"features.window_ms": {"v1": 15, "v2": 20}},
        },
    ],
}


def test_the_setting_on_the_horizontal_axis_can_be_chosen_and_a_control_shares_the_axes(place):
    study = finished(place, GRID, lambda number, fold: number % 3)
    found = report_cells(study, study.cells(), place, 50)[0]
    ua, wa = draw_column("", found, study.display).axes
    assert [tick.get_text() for tick in ua.get_xticklabels()] == ["v1", "v2"]
    assert ua.get_xlabel() == "features.window_ms"
    lines = [line.get_label() for line in curves(ua)]
    assert lines == ["CNN, 1", "CNN, 2", "CNN, 3", "power of two"]
    assert [line.get_linestyle() for line in curves(wa)] == ["-", "-", "-", "--"]


def test_metrics_can_be_the_lines_with_axes_for_each_varied_row(place):
    study = finished(
        place,
        {
            "title": "Shapes",
            "arch": "eca",
            "on": ["emodb-4"],
            "metrics": ["wa", "recall"],
            "plot": {"lines": "metrics", "axis": {"narrow": "window in ms"}},
            "rows": [
                {"name": "narrow", "set": {"model.n": 1}, "vary": {"features.window_ms": [15, 20, 25]}},
                {"name": "wide", "set": {"model.n": 2}, "vary": {"features.window_ms": [15, 20, 25]}},
            ],
        },
        lambda number, fold: number % 3,
    )
    found = report_cells(study, study.cells(), place, 50)[0]
    figure = draw_column("", found, study.display)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["narrow", "wide"]
    for axes in figure.axes:
        assert [line.get_label() for line in curves(axes)] == ["WA", "recall of anger", "recall of fear"]
        assert axes.get_ylabel() == "in %"
        assert all(line.get_xdata().tolist() == [0, 1, 2] for line in curves(axes))
        assert len({to_hex(line.get_color()) for line in curves(axes)}) == 3
    assert [axes.get_xlabel() for axes in figure.axes] == ["window in ms", "features.window_ms"]


@pytest.mark.rendered
def test_columns_can_be_the_lines_of_a_picture_with_axes_for_each_varied_row(place):
    study = finished(
        place,
        {
            "title": "Windows",
            "arch": "eca",
            "on": ["emodb-4", {"name": "random", "scheme": "emodb-4", "protocol": "random-5-fold"}],
            "metrics": ["ua"],
            "plot": {"lines": "columns", "axis": {"features.window_ms": "window in ms"}},
            "rows": [{"name": "narrow", "set": {"model.n": 1}, "vary": {"features.window_ms": [15, 20, 25]}}],
        },
        lambda number, fold: number // 2,  # of four, two columns a row
    )
    report = report_study(study, study.cells(), place, draws=50)
    (axes,) = draw_columns(report.columns, study.display).axes
    assert (axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()) == (
        "narrow",
        "window in ms",
        "UA in %",
    )
    assert [line.get_label() for line in curves(axes)] == ["emodb-4", "random"]
    for line in curves(axes):
        assert line.get_ydata().tolist() == pytest.approx([1.0, 0.75, 0.5])
    page = written(report, place)
    assert (page.parent / "columns.png").exists()
    assert "All columns in one picture" in page.read_text()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"plot": {"lines": "columns"}}, r":\d+: lines: columns needs rows that each vary one setting"),
        ({"metrics": ["recal"]}, r":\d+: metrics has no 'recal'; did you mean recall"),
        ({"metrics": "recall"}, r":\d+: metrics: write a list"),
        ({"plot": {"x": "model.n"}}, r":\d+: the varied settings has no 'model.n'"),
        ({"plot": {"lines": "rows"}}, r":\d+: lines is 'metrics'"),
        ({"plot": {"axis": {"model.n": "n"}}}, r":\d+: unknown key 'model.n' of axis"),
        ({"plot": {"y": "ua"}}, r":\d+: unknown key 'y' of plot"),
        ({"confusion": ["plane"]}, r":\d+: rows has no 'plane'; did you mean plain"),
    ],
)
def test_what_is_wrong_of_the_display_is_refused_with_its_line(place, other, message):
    with pytest.raises(SerError, match="mine.yaml" + message):
        study_of(place, two_rows(**other))


def test_the_command_takes_metrics_and_confusion_matrices(place, monkeypatch, capsys):
    study = finished(place, two_rows())
    line = ["report", str(study.file), "--draws", "100", "--workspace", str(place.root)]
    monkeypatch.setattr("sys.argv", ["sercli", *line, "--metrics", "recall,wa", "--confusion"])
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    told = capsys.readouterr().out
    assert told.index("recall of anger") < told.index("WA ")
    assert " UA " not in told
    assert len(list((place.root / "reports").glob("*/confusion-*.png"))) == 2
    monkeypatch.setattr("sys.argv", ["sercli", *line, "--metrics", "recalls"])
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    assert "metrics has no 'recalls'; did you mean recall?" in capsys.readouterr().err


@pytest.mark.rendered
def test_confusion_matrices_stand_with_their_runs_and_links(place):
    study = finished(place, two_rows(confusion=["attention"]))
    report = report_study(study, study.cells(), place, draws=50)
    run = report.found[1].report.run
    html = Page(render_study(report))
    assert run.name in html.text
    assert html.addresses == ["data:,"]
    own = run.path / "report" / "report.html"
    own.parent.mkdir()
    own.write_text("here")
    page = written(report, place)
    links = {address for address in Page(page.read_text()).addresses if address != "data:,"}
    (link,) = links
    assert (page.parent / link).resolve() == own.resolve()
    pictures = [path.name for path in page.parent.glob("confusion*.png")]
    assert len(pictures) == 1
    assert html.text.count("Confusion matrices") == 1
    everything = study_of(place, two_rows(confusion="all"))
    assert everything.display.confusion == ("plain", "attention")


def test_rows_are_chosen_by_a_value_that_several_have(place):
    study = study_of(place, GRID)
    names = {text: [row.name for row in study.choose_rows([text])] for text in ("v2", "N 2", "CNN, v1")}
    assert names["v2"] == ["CNN, n 1, v2", "CNN, n 2, v2", "CNN, n 3, v2", "power of two, v2"]
    assert names["N 2"] == ["CNN, n 2, v1", "CNN, n 2, v2"]
    assert names["CNN, v1"] == ["CNN, n 1, v1", "CNN, n 2, v1", "CNN, n 3, v1"]
    assert [row.name for row in study.choose_rows(["CNN, n 3, v1"])] == ["CNN, n 3, v1"]
    with pytest.raises(ConfigError, match=r"fits .*; name one of them"):
        study.choose_rows(["n 1,"])


def test_multiply_accumulates_are_told_with_the_windows_they_are_of(place):
    on = [{"name": "recola", "corpus": "recola", "scheme": "arousal-valence"}]
    study = study_of(place, {"title": "t", "arch": "diccoser", "on": on, "rows": [{"name": "a"}]})
    (cell,) = study.cells()
    finish(place, cell, 1, trace_predictions((0, 1, 2), "fold 1"), write_predictions, "regression")
    (found,) = report_cells(study, study.cells(), place, 50)[0]
    networks = next(
        t for t in report_study(study, study.cells(), place, draws=50).tables if "MACs" in t.header
    )
    windows = networks.rows[0][networks.header.index("windows")]
    assert (windows, found.size.seconds) == ("1 of 20 s", 20)
    assert "4,948 M" in networks.rows[0]


@pytest.mark.parametrize("interval", [Interval(0.4375, 0.5625, 0.95, 50, 6), None])
def test_results_on_another_corpus_are_read_from_their_metrics(place, interval):
    study = finished(place, two_rows(test_on=["ravdess-4"]))
    rows = (
        MetricRow("all", None, "ua", "UA", 0.5, interval=interval, chance=0.25),
        MetricRow("all", None, "wa", "WA", 0.625),
        MetricRow("speaker", "a", "ua", "UA", 1.0),
    )
    metrics = report_cells(study, study.cells(), place)[0][0].report.run.folder_on("ravdess", "ravdess-4")
    write_json(metrics / "metrics.json", {"metrics": MetricTable(rows).to_dict()})
    tables = report_study(study, study.cells(), place, draws=50).tables
    (table,) = (each for each in tables if each.caption.startswith("Tested on another corpus"))
    ends = "43.8 to 56.2" if interval else "–"
    assert table.rows == (("plain", "emodb-4", "ravdess-4", "50.0", ends, "62.5", "25.0"),)
    write_json(metrics / "metrics.json", {"metrics": MetricTable(rows[:1]).to_dict()})
    with pytest.raises(RunError, match=r"on-ravdess-ravdess-4/metrics\.json: damaged; remove it and run the"):
        report_study(study, study.cells(), place, draws=50).tables  # noqa: B018


def test_results_on_another_corpus_that_has_changed_are_not_reported(place, monkeypatch):
    study = finished(place, two_rows(test_on=["ravdess-4"]))
    run, (on,) = report_cells(study, study.cells(), place)[0][0].report.run, study.test_on
    file = run.folder_on("ravdess", "ravdess-4") / "metrics.json"
    state = {"metrics": [], "manifest_sha256": "1" * 64}
    write_json(file, state | describe_tested(run.finished(), "ravdess-4"))
    assert find_elsewhere(run, on, place) == file  # the corpus is no longer there
    monkeypatch.setattr(Workspace, "is_prepared", lambda place, corpus: True)
    for digest, known in (("1", file), ("2", None)):
        monkeypatch.setattr(Workspace, "manifest_digest", lambda place, corpus, digest=digest: digest * 64)
        assert find_elsewhere(run, on, place) == known
    write_json(file, state | {"protocol": "cross-corpus, emodb to ravdess (manifest 11111111)"})
    assert find_elsewhere(run, on, place) is None  # of an earlier version
    write_json(file, state | {"protocol": "cross-corpus, emodb to ravdess (manifest 22222222)"})
    assert find_elsewhere(run, on, place) == file
    write_json(
        file, {"metrics": [], "manifest_sha256": "2" * 64} | describe_tested(run.finished(), "ravdess-4")
    )
    assert find_elsewhere(run, on, place) == file
    trial = run.finished()[0].metrics_file
    trial.write_text(trial.read_text() + " ")  # trained again
    assert find_elsewhere(run, on, place) is None
