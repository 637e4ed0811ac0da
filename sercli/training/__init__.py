"""Train networks with Lightning, which only this package imports.

`SERModule` trains every architecture. `plan` lists the trials of a run, `settings` completes their settings.
`trials` trains them in this process, and `jobs` trains each of them in a separate process.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sercli.runs.folder import Run
from sercli.workspace import Workspace

if TYPE_CHECKING:
    from sercli.training.module import SERModule as SERModule

__all__ = ["SERModule", "train"]


def __getattr__(name: str) -> Any:
    """Import `SERModule`, and with it Lightning, only where it is used."""
    if name == "SERModule":
        from sercli.training.module import SERModule

        return SERModule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def train(
    workspace: Workspace | Path | str,
    arch: str | None = None,
    corpus: str | None = None,
    *,
    scheme: str | None = None,
    classes: str | None = None,
    labels: str | None = None,
    protocol: str | None = None,
    folds: str | int = "all",
    seeds: Sequence[int] | int = (0,),
    augment: str | None = None,
    init: Path | str | None = None,
    settings: Sequence[str] | str = (),
    config: Path | str | None = None,
    accelerator: str = "auto",
    report: Callable[[str], None] = lambda line: None,
) -> Run:
    """Train and test an architecture on folds of a prepared corpus, as ``sercli train`` does.

    Finished trials are not trained again; interrupted trials resume.

    Args:
        workspace: workspace of corpora, features and runs, or its folder.
        arch: architecture; not needed if ``config`` names it.
        corpus: corpus that is prepared in the workspace; by default the first prepared corpus of the paper.
        scheme: selection of utterances and classes, or a YAML file with one; by default that of the paper or
            the corpus.
        classes: labels to keep, merge or rename, ``anger,happiness+excitement=joy``, in place of a scheme.
        labels: source of the labels in place of that of the scheme: ``majority``, ``plurality`` or ``votes``
            of the raters, or ``corpus``.
        protocol: division into folds; by default that of the paper or the corpus.
        folds: ``all``, ``1,4``, ``1-3`` or a number.
        seeds: seeds, or one; every fold is trained with each of them.
        augment: ``flip,noise`` or ``none``; by default the paper's augmentations.
        init: bundle whose weights the training starts from.
        settings: single settings, each as ``training.lr=1e-4``, or one.
        config: file with settings in YAML.
        accelerator: ``auto``, ``cpu``, ``gpu``, ``cuda`` or ``mps``.
        report: called with a line after each epoch.

    Returns:
        The run; its trials are finished.

    Raises:
        SerError: a setting, the corpus or a fold is not valid; the message states what to do.
    """
    from sercli.devices import choose_device
    from sercli.training.plan import make_plan
    from sercli.training.settings import configure, gather
    from sercli.training.trials import train_trials

    workspace = Workspace(workspace)
    config = None if config is None else Path(config)
    device = choose_device(accelerator)
    given = gather(
        config,
        [settings] if isinstance(settings, str) else settings,
        arch=arch,
        corpus=corpus,
        scheme=scheme,
        classes=classes,
        labels=labels,
        protocol=protocol,
        augment=augment,
        init=str(init) if init else None,
    )
    seeds = [seeds] if isinstance(seeds, int) else seeds
    plan = make_plan(configure(given, workspace, device, config), workspace, str(folds), seeds)
    train_trials(plan, device, report)
    return plan.run
