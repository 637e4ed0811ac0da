"""What a run's report says, from the run's folder alone."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sercli.errors import RunError
from sercli.evaluation import regression
from sercli.evaluation.class_evaluation import DEFINITION, evaluate
from sercli.evaluation.intervals import DRAWS
from sercli.protocols import tests_nothing
from sercli.records import pool
from sercli.reports import _facts
from sercli.reports._facts import left_open
from sercli.reports._writing import write
from sercli.reports.audited import Audited
from sercli.reports.gathered import Gathered, GatheredTraces
from sercli.runs.folder import Run, Trial
from sercli.runs.predictions import read_tested_classes, read_tested_traces
from sercli.tasks import get_task

__all__ = ["Gathered", "GatheredTraces", "check_tested", "gather", "left_open", "write_report"]


def gather(run: Run, draws: int = DRAWS, audited: Audited | None = None) -> Gathered | GatheredTraces:
    """Read a run's finished trials and evaluate them, as the task of the first one asks for.

    Args:
        run: whose folder is read, and nothing else.
        draws: of the bootstrap over speakers.
        audited: what an audit of the run found; it is told with the figures.

    Raises:
        RunError: none is finished, or one is damaged; or nothing was tested.
    """
    trials = run.finished()
    if not trials:
        raise RunError(f"{run.path}: no finished trial yet; go on with `sercli train` and the same settings")
    settings = trials[0].settings()
    check_tested(run, settings)
    common = partial(_common, run, trials, settings, audited)
    if not get_task(settings["provenance"].get("task", "classification")).has_classes:
        frames = pool([read_tested_traces(trial) for trial in trials])
        return GatheredTraces(
            **common(frames.dimensions, regression.DEFINITION),
            picture="traces.png",
            predictions=frames,
            evaluation=regression.evaluate_traces(frames, draws),
        )
    rows = pool([read_tested_classes(trial) for trial in trials])
    return Gathered(
        **common(settings["provenance"]["classes"], DEFINITION),
        picture="confusion.png",
        predictions=rows,
        evaluation=evaluate(rows, draws),
    )


def check_tested(run: Run, settings: Mapping[str, Any]) -> None:
    """Refuse a run that keeps nothing for the test, by the settings of a trial.

    Raises:
        RunError: it is one.
    """
    if tests_nothing(settings["protocol"]):
        raise RunError(
            f"{run.name}: trained on everything ({settings['protocol']}), so there is nothing of its corpus "
            f"to test it on; `sercli eval {run.name} --on CORPUS` tests it on another, `sercli export` "
            "makes the model"
        )


def write_report(gathered: Gathered | GatheredTraces) -> Path:
    """Write page, pictures, tables, predictions and figures into the run's ``report`` folder.

    Returns:
        Where the page is.
    """
    return write(gathered, gathered.run.path / "report")


def _common(
    run: Run,
    trials: list[Trial],
    settings: Mapping[str, Any],
    audited: Audited | None,
    outputs: Sequence[str],
    definition: str,
) -> dict[str, Any]:
    return {
        "run": run,
        "trials": tuple(trials),
        "facts": _facts.facts(settings, trials, outputs, definition),
        "protocol": _facts.protocol(settings),
        "banners": (*(audited.banners if audited else ()), *_facts.banners(settings, trials)),
        "definition": definition,
        "audited": audited,
    }
