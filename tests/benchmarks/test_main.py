import json

import pytest

import benchmarks
from benchmarks import Bench, Row
from benchmarks.__main__ import main
from sercli.errors import ConfigError


@pytest.fixture
def measure(monkeypatch, capsys):
    """Run the benchmarks in this process: measure("train", ...) returns exit status, stdout, stderr."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["benchmarks", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return ended.value.code or 0, captured.out, captured.err

    return run


@pytest.fixture
def stages(monkeypatch):
    """Two stages that take no time, one of which lacks something."""
    rows = [Row("a: ours", 123.44, "ms", "", 2.0, "b"), Row("a: b", 0.01234, "ms")]
    made = {
        "able": Bench(lambda corpora, quick: rows, "what it does"),
        "unable": Bench(
            lambda corpora, quick: rows, "what it would do", lacks=lambda: "there is no such card"
        ),
    }
    monkeypatch.setattr(benchmarks, "bench_names", lambda: list(made))
    monkeypatch.setattr(benchmarks, "get_bench", made.__getitem__)


def test_the_machine_comes_first_and_what_can_not_be_measured_is_left_out(measure, stages):
    status, out, err = measure()
    lines = out.splitlines()
    assert (status, err, lines[0]) == (0, "", "machine")
    assert [line.split()[0] for line in lines[1:7]] == [
        "processor",
        "memory",
        "gpu",
        "system",
        "versions",
        "load",
    ]
    assert lines[7:] == [
        "able: what it does",
        "  a: ours       123.4 ms                       2 x as fast as b",
        "  a: b         0.0123 ms",
        "unable: left out, there is no such card",
    ]


def test_what_is_named_and_can_not_be_measured_is_an_error(measure, stages):
    status, out, err = measure("able", "unable")
    assert (status, out) == (1, "")
    assert err.startswith("error: bench unable: there is no such card; ")
    assert err.count("\n") == 1
    assert measure("unable", "--quick")[0] == 0


def test_a_part_is_asked_for_before_anything_is_measured(measure):
    status, out, err = measure("train", "gpu", "--only", "melcnn")
    assert (status, out) == (2, "")
    assert "gpu has no part 'melcnn'; its parts are mdcnn, eca" in " ".join(err.replace("│", " ").split())
    assert measure("--only", "nobody")[0] == 2


def test_a_stage_that_fails_loses_nothing_of_the_others(measure, stages, monkeypatch):
    def fail(corpora, quick):
        raise ConfigError("too little of something")

    made = {"broken": Bench(fail, "what it would do"), "able": benchmarks.get_bench("able")}
    monkeypatch.setattr(benchmarks, "bench_names", lambda: list(made))
    monkeypatch.setattr(benchmarks, "get_bench", made.__getitem__)
    status, out, err = measure("--json")
    assert (status, err) == (1, "error: broken: too little of something\n")
    assert list(json.loads(out)["stages"]) == ["able"]


def test_json_carries_machine_and_ratios_and_is_drawn_later(measure, stages, tmp_path):
    status, out, err = measure("--json")
    found = json.loads(out)
    assert (status, err) == (0, "unable: left out, there is no such card\n")
    assert list(found) == ["machine", "quick", "stages"]
    assert found["stages"]["able"][0]["ratio"] == 2.0
    assert found["stages"]["able"][1]["ratio"] is None
    (tmp_path / "r.json").write_text(out)
    status, told, _ = measure("--from", tmp_path / "r.json", "--figure", tmp_path / "r.svg")
    assert status == 0
    assert told.startswith("machine\n")
    assert "2 x as fast as b" in told
    assert (tmp_path / "r.svg").read_text().startswith("<?xml")
    assert json.loads(measure("--from", tmp_path / "r.json", "--json")[1]) == found


def test_a_figure_that_can_not_be_written_is_told_before_anything_is_measured(measure, stages):
    status, out, err = measure("--figure", "r.gif")
    assert (status, out) == (1, "")
    assert "r.gif: figures are written as .png, .pdf or .svg" in err


@pytest.mark.parametrize("more", [["able"], ["--quick"], ["--only", "a"]])
def test_what_is_kept_is_not_measured(measure, stages, tmp_path, more):
    (tmp_path / "r.json").write_text("{}")
    status, _, err = measure(*more, "--from", tmp_path / "r.json")
    assert status == 2
    assert "measures nothing" in err
    assert measure("--from", tmp_path / "r.json")[2].startswith("error: ")


def test_the_gpu_stage_runs_through_on_any_machine(measure, tmp_path):
    arguments = ("gpu", "--only", "eca", "--quick", "--json", "--figure", tmp_path / "r.png")
    status, out, _ = measure(*arguments)
    assert status == 0
    found = json.loads(out)
    assert found["quick"] is True
    rows = {row["name"]: row for row in found["stages"]["gpu"]}
    assert all(row["value"] > 0 for row in rows.values())
    straightforward, ours = rows["eca: an epoch, straightforward"], rows["eca: an epoch"]
    assert ours["ratio"] == pytest.approx(straightforward["value"] / ours["value"])
    # Five folds of a hundred and fifty epochs, with what comes before and after.
    fold = (
        rows["eca: a fold before its epochs"]["value"]
        + 150 * ours["value"]
        + rows["eca: a fold's test"]["value"]
    )
    assert rows["eca: 5 folds x 150 epochs"]["value"] == pytest.approx(5 * fold / 60)
    assert (tmp_path / "r.png").exists()
