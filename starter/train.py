"""Train the starter model, measure it, and write its bundle with card and metrics.

    python starter/train.py DATA [--workspace FOLDER]

DATA holds EMO-DB and RAVDESS as distributed, in the sub-folders ``emodb`` and ``ravdess``. The encoder is
downloaded if it is not on this machine. Finished steps are not repeated.

The settings that the recipe leaves open are chosen in each training by inner folds over the speakers of its
training part. Three things are measured with this recipe: actors that were not trained on (five folds over
the actors of both corpora), and each corpus after a training on the other one alone.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sercli import Bundle, Workspace, add_folder, evaluate, get_corpus, manifest, prepare, report_run, train
from sercli.config import spell
from sercli.evaluation import Evaluation
from sercli.files import write_text
from sercli.formatting import PERCENT
from sercli.inference.cross_corpus import apply_run
from sercli.plain.json import to_json
from sercli.records import ClassPredictions
from sercli.reports.card import Elsewhere, bundle_metrics
from sercli.reports.share import export_bundle
from sercli.runs.folder import Run

HERE = Path(__file__).parent
SECTION = HERE / "card.md"
BUNDLE = HERE / "sercli_starter" / "starter"
PARTS = ("emodb", "ravdess")
SEARCH = "features.pool: [mean, mean-std], model.layers: [[3], [2, 3, 4]], model.c: [0.01, 0.03, 0.1, 0.3, 1]"
SETTINGS = (
    "features.model=whisper-tiny.en",
    f"training.search={{{SEARCH}}}",
    "training.search_folds=3",
)


def main() -> None:
    """Train, measure and write."""
    parser = argparse.ArgumentParser(description="Train the starter model, measure it, and write its bundle.")
    parser.add_argument("data", type=Path, help="folder with emodb and ravdess")
    parser.add_argument("--workspace", type=Path, default=None, help="folder of corpora, features and runs")
    given = parser.parse_args()
    workspace = Workspace(given.workspace)
    add_folder(HERE / "training")
    prepare("starter", given.data, workspace)
    for part in PARTS:
        prepare(part, given.data / part, workspace, partial=True)
    tested = _train(workspace, "starter", "speaker-5-fold-no-dev")
    final = _train(workspace, "starter", "train-on-all")
    elsewhere = [_test_elsewhere(workspace, *pair) for pair in (PARTS, PARTS[::-1])]
    _write(workspace, final, tested, elsewhere)


def _train(workspace: Workspace, corpus: str, protocol: str) -> Run:
    return train(
        workspace,
        "linear",
        corpus,
        scheme=f"{corpus}-4",
        protocol=protocol,
        settings=SETTINGS,
        accelerator="cpu",
        report=partial(print, flush=True),
    )


def _test_elsewhere(workspace: Workspace, trained_on: str, tested_on: str) -> Elsewhere:
    """Train on one corpus alone, and test on the other one."""
    run = _train(workspace, trained_on, "train-on-all")
    applied = apply_run(run, tested_on, workspace, f"{tested_on}-4")
    titles = (workspace.facts(name)["title"] for name in (trained_on, tested_on))
    return Elsewhere(*titles, evaluate(applied.predictions))


def _write(workspace: Workspace, final: Run, tested: Run, elsewhere: list[Elsewhere]) -> None:
    """Write the bundle with its card, and all metrics as JSON."""
    (trial,) = final.require_finished()
    report = report_run(tested)
    by_part = {part: _of_corpus(report.predictions, part) for part in PARTS}
    every = {"all": report.evaluation} | by_part
    metrics = {
        "actors_not_trained_on": {name: bundle_metrics(evaluation) for name, evaluation in every.items()},
        "other_corpora": [each.to_dict() for each in elsewhere],
        "chosen": {
            "starter": trial.metrics()["chosen"],
            "folds": [each.metrics()["chosen"] for each in tested.finished()],
        },
    }
    with TemporaryDirectory() as folder:
        out = Path(folder) / "starter"
        exported = export_bundle(final, trial, out, tested_by=tested, elsewhere=elsewhere)
        bundle, card = Bundle.load(exported.path), (exported.path / "README.md").read_text(encoding="utf-8")

    utterances = manifest.read(workspace.manifest("starter"))
    card += SECTION.read_text(encoding="utf-8").format(
        rows="\n".join(_row(part, evaluation) for part, evaluation in by_part.items()),
        chosen=", ".join(f"{name}={spell(value)}" for name, value in trial.metrics()["chosen"].items()),
        search=SEARCH,
        sentences=len({each.text_id for each in utterances}),
        speakers=len({each.speaker for each in utterances}),
    )

    def write_beside(folder: Path) -> None:
        write_text(folder / "README.md", card)
        write_text(folder / "metrics.json", to_json(metrics, indent=2) + "\n")

    # The reader of the two corpora is only needed to train.
    facts = {name: fact for name, fact in bundle.facts.items() if name != "plugins"}
    replace(bundle, facts=facts).save(BUNDLE, write_beside)
    print(f"{BUNDLE}: {sum(each.stat().st_size for each in BUNDLE.iterdir()) / 1e3:.0f} kB")


def _of_corpus(predictions: ClassPredictions, part: str) -> Evaluation:
    """Evaluate the predictions for the actors of one corpus."""
    rows = [row for row, speaker in enumerate(predictions.speakers) if str(speaker).startswith(f"{part}-")]
    return evaluate(predictions.select(rows))


def _row(part: str, evaluation: Evaluation) -> str:
    """Write a line of the table by corpus."""
    cells = [get_corpus(part).title, f"{evaluation.tested} {evaluation.noun}s"]
    for key in ("ua", "wa"):
        row = evaluation.table.row(key)
        cells.append(f"{PERCENT.with_unit(row.value)} ({PERCENT.interval(row.interval)})")
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
