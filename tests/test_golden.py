"""Today's code gives the names and numbers that the first release gave (see golden/README.md).

Numbers and values for machines are compared, not prose. On the machine that made the golden files
predictions are equal to the bit, elsewhere nearly.
"""

import csv
import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from golden import cases
from golden.make import machine, synth

from sercli.runs.training import TrainingConfig

GOLDEN = Path(__file__).parent / "golden"
RUNS = json.loads((GOLDEN / "runs.json").read_text())
SAME_MACHINE = json.loads((GOLDEN / "machine.json").read_text()) == machine()
NEARLY = 1e-4
# A training repeats to the bit on one machine only. On a processor with AVX2, the code that made the golden
# files (with AVX512) differs from them by up to 1.9e-4 after two epochs; today's code gives its bits there.
TRAINED = 1e-3

SLOW_TRAININGS = {"classes", "traces", "arcface"}  # all folds; the first one is repeated in any case
SLOW_OUTPUTS = {  # they draw many figures
    *("eval-arcface", "eval-traces", "eval-on-other", "compare-traces", "report-classes", "report-traces"),
}


def golden(name):
    return json.loads((GOLDEN / name).read_text())


def run(*words, stdin=b"", allowed=(0,)):
    status, out, err = cases.sercli(*words, stdin=stdin)
    assert status in allowed, out + err
    return out


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A workspace with the three corpora, prepared today."""
    folder = tmp_path_factory.mktemp("prepared")
    cases.prepare(folder / "workspace", folder / "raw")
    return folder / "workspace"


@pytest.fixture(scope="module")
def earlier(prepared, tmp_path_factory):
    """A workspace as the first release left it: its runs, the corpora, two exported bundles, speech."""
    folder = tmp_path_factory.mktemp("earlier")
    shutil.copytree(GOLDEN / "runs", folder / "workspace" / "runs")
    shutil.copytree(prepared / "corpora", folder / "workspace" / "corpora")
    for corpus in ("emodb", "recola", "other"):
        place = folder / "workspace" / "corpora" / corpus
        shutil.copy(GOLDEN / "corpora" / f"{corpus}.jsonl", place / "manifest.jsonl")
        shutil.copy(GOLDEN / "corpora" / f"{corpus}.json", place / "corpus.json")
    cases.build_speech(folder / "speech")
    place = ("--workspace", folder / "workspace")
    for corpus, kind in (("emodb", "logmel3d"), ("recola", "logmel40")):  # the audit looks at them
        run("features", corpus, "--kind", kind, *place)
    for name in ("classes", "traces"):
        run("export", RUNS[name], folder / "bundles" / name, "--fold", 1, *place)
    return folder


# --- names


@pytest.mark.parametrize(
    "case", golden("run_names.json"), ids=lambda case: f"{case[-1]} {' '.join(case[4])}".strip()
)
def test_a_run_keeps_its_name(case):
    *settings, name = case
    assert cases.run_name(*settings) == name


def test_folds_stay_the_same():
    assert cases.fold_digests() == golden("fold_digests.json")


def test_feature_stores_keep_their_names_and_lengths(prepared):
    found = cases.store_names(prepared)
    assert {name: [list(each) for each in stores] for name, stores in found.items()} == golden("stores.json")


@pytest.mark.parametrize(("arch", "corpus"), cases.CONFIGS)
def test_the_recipe_stays_the_same(prepared, arch, corpus):
    words = ["--arch", arch, "--corpus", corpus, "--set", "training.precision=32-true"]
    shown = yaml.safe_load(run("config", "show", *words, "--workspace", prepared))
    kept = yaml.safe_load((GOLDEN / "config" / f"{arch}-{corpus}.yaml").read_text())
    for name in shown["training"].keys() - kept["training"].keys():  # added later, and neutral
        assert shown["training"].pop(name) == TrainingConfig.neutral[name]
    assert shown == kept


@pytest.mark.parametrize("corpus", ["emodb", "recola", "other"])
def test_a_corpus_is_prepared_to_the_same_manifest(prepared, corpus):
    made = (prepared / "corpora" / corpus / "manifest.jsonl").read_text().splitlines()
    kept = (GOLDEN / "corpora" / f"{corpus}.jsonl").read_text().splitlines()
    if SAME_MACHINE:
        assert made == kept
    named = [[json.loads(line)["id"] for line in lines] for lines in (made, kept)]
    assert named[0] == named[1]


@pytest.mark.slow
@pytest.mark.skipif(not SAME_MACHINE, reason="the last bit of a sample may differ")
def test_the_synthetic_corpora_stay_the_same(tmp_path):
    assert synth(tmp_path) == golden("synth.json")


@pytest.mark.parametrize("name", list(RUNS))
def test_the_settings_of_an_earlier_run_name_that_run(earlier, name):
    trial = earlier / "workspace" / "runs" / RUNS[name] / "fold-01" / "seed-0"
    words = ["--config", trial / "config.yaml", "--fold", 1, "--dry-run", "--accelerator", "cpu"]
    out = run("train", *words, "--workspace", earlier / "workspace")
    assert set(re.findall(r"\b[\w-]+-[0-9a-f]{8}\b", out)) == {RUNS[name]}


# --- trainings


def rows(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def number(cell):
    try:
        return float(cell)
    except ValueError:
        return None


def assert_same_table(made, kept):
    """Compare two CSV files: to the bit, or text exactly and numbers nearly."""
    if SAME_MACHINE:
        assert made.read_bytes() == kept.read_bytes()
    for one, other in zip(rows(made), rows(kept), strict=True):
        for cell, wanted in zip(one, other, strict=True):
            value, target = number(cell), number(wanted)
            if target is None or value is None:
                # Of two classes that are nearly as likely another one may come out on another machine.
                assert cell == wanted or not SAME_MACHINE
            else:
                assert value == pytest.approx(target, rel=TRAINED, abs=TRAINED)


def assert_same_trial(made, kept):
    for name in ("predictions.csv", "dev_predictions.csv"):
        assert (made / name).exists() == (kept / name).exists()
        if (kept / name).exists():
            assert_same_table(made / name, kept / name)
    found, wanted = (json.loads((path / "metrics.json").read_text()) for path in (made, kept))
    for metrics in (found, wanted):
        del metrics["seconds"]
    if SAME_MACHINE:
        assert found == wanted
    else:
        assert numbers(found) == pytest.approx(numbers(wanted), rel=TRAINED, abs=TRAINED)


def repeat(workspace, tmp_path, name, folds):
    """Train again in a workspace of its own, on given folds only; compare these with the golden ones."""
    shutil.copytree(workspace / "corpora", tmp_path / "w" / "corpora")
    words = list(cases.TRAININGS[name])
    words[words.index("--fold") + 1] = ",".join(map(str, folds))
    run(*words, "--workspace", tmp_path / "w")
    (made,) = (tmp_path / "w" / "runs").iterdir()
    if SAME_MACHINE:
        assert made.name == RUNS[name]
    for fold in folds:
        trial = Path(f"fold-{fold:02d}") / "seed-0"
        assert_same_trial(made / trial, GOLDEN / "runs" / RUNS[name] / trial)


@pytest.mark.parametrize("name", list(cases.TRAININGS))
def test_a_training_repeated_gives_the_same_predictions(prepared, tmp_path, name):
    repeat(prepared, tmp_path, name, [1])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SLOW_TRAININGS))
def test_every_fold_repeated_gives_the_same_predictions(prepared, tmp_path, name):
    repeat(prepared, tmp_path, name, [1, 2, 3])


@pytest.mark.slow
@pytest.mark.parametrize("study", ["classes", "traces"])
def test_a_study_repeated_gives_the_same_predictions(prepared, tmp_path, study):
    shutil.copytree(prepared / "corpora", tmp_path / "w" / "corpora")
    place = ("--accelerator", "cpu", "--workspace", tmp_path / "w")
    run("ablate", GOLDEN / "study" / f"{study}.yaml", *place)
    kept = GOLDEN / "runs" / RUNS[f"study-{study}"]
    made = tmp_path / "w" / "runs" / kept.name
    for trial in sorted(kept.glob("fold-*/seed-*")):
        assert_same_trial(made / trial.relative_to(kept), trial)
    if SAME_MACHINE:
        (report,) = (tmp_path / "w" / "reports").glob(f"study-{study}-*")
        assert figures(GOLDEN / "study" / f"{study}.csv") <= figures(report / "table.csv")


def figures(path):
    """List the fractions of a table, but for the seconds that the training took."""
    with path.open(newline="") as file:
        cells = [each for row in csv.DictReader(file) for key, each in row.items() if "seconds" not in key]
    return {each for each in cells if re.fullmatch(r"-?\d+\.\d+", each)}


# --- runs and bundles of the first release


def numbers(value):
    """List the finite numbers within plain JSON, in order of appearance."""
    if isinstance(value, dict):
        return [each for inner in value.values() for each in numbers(inner)]
    if isinstance(value, list):
        return [each for inner in value for each in numbers(inner)]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return []
    return [float(value)]


def texts(value, key):
    """List the texts that a key has anywhere within plain JSON."""
    if isinstance(value, dict):
        own = [value[key]] if isinstance(value.get(key), str) else []
        return own + [each for inner in value.values() for each in texts(inner, key)]
    return [each for inner in value for each in texts(inner, key)] if isinstance(value, list) else []


def read_json(text):
    """Read JSON, or lines of it."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines()]


def lacking(found, wanted, tolerance):
    """List the numbers of an earlier output that a present one, however laid out, does not hold."""
    there = np.unique(numbers(found))
    missing = []
    for each in numbers(wanted):
        nearest = there[np.abs(there - each).argmin()]
        if not math.isclose(nearest, each, rel_tol=tolerance, abs_tol=tolerance):
            missing.append(each)
    return missing


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(path.stem, marks=[pytest.mark.slow] if path.stem in SLOW_OUTPUTS else [])
        for path in sorted((GOLDEN / "outputs").glob("*.json"))
    ],
)
@pytest.mark.usefixtures("blank_pictures")
def test_earlier_runs_and_bundles_give_the_same_numbers(earlier, name):
    words = cases.outputs(RUNS, earlier / "workspace", GOLDEN, earlier)[name]
    stdin = cases.samples_of(earlier / "speech" / "long.wav") if "--live" in words else b""
    found = read_json(run(*words, stdin=stdin, allowed=(0, 3, 4)))
    wanted = read_json((GOLDEN / "outputs" / f"{name}.json").read_text())
    computed = name.startswith(("predict", "live", "reproduce", "eval-on"))
    assert numbers(wanted) or name.startswith("audit")
    assert lacking(found, wanted, (1e-6 if SAME_MACHINE else NEARLY) if computed else 1e-9) == []
    for key in ("check", "verdict", "predicted"):
        if SAME_MACHINE and name.startswith(("audit", "predict", "reproduce")):
            assert texts(found, key) == texts(wanted, key)


def test_an_earlier_network_is_exported_with_the_same_weights(earlier):
    for name in ("classes", "traces"):
        made = earlier / "bundles" / name / "weights.safetensors"
        kept = GOLDEN / "runs" / RUNS[name] / "fold-01" / "seed-0" / "bundle" / "weights.safetensors"
        assert made.read_bytes() == kept.read_bytes()
