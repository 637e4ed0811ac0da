"""Run the command line: one file per command; each parses, calls and prints.

No file here imports torch, Lightning or NumPy at the top, so that `sercli --help` answers at once.
"""

import errno
import os
import sys
from itertools import islice
from typing import Annotated

import typer

import sercli
from sercli.cli import (
    ablate,
    audit,
    compare,
    config,
    corpora,
    demo,
    doctor,
    evaluate,
    export,
    features,
    models,
    predict,
    prepare,
    protocols,
    pull,
    push,
    report,
    reproduce,
    runs,
    serve,
    train,
)
from sercli.cli._app import App
from sercli.errors import ConfigError, SerError

_REMEDIES = {
    errno.ENOSPC: "; free some space and run the same command again: it resumes where it stopped",
    errno.EACCES: "; get permission, or choose another --workspace",
    errno.EROFS: "; choose another --workspace",
}

app = App(
    name="sercli",
    help=sercli.__doc__,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=prepare.PrepareCommand)(prepare.prepare)
app.add_typer(corpora.app, name="corpora")
app.add_typer(protocols.app, name="protocols")
app.command()(audit.audit)
app.add_typer(features.app, name="features")
app.add_typer(models.app, name="models")
app.command()(train.train)
app.command()(ablate.ablate)
app.command()(report.report)
app.command("eval")(evaluate.evaluate)
app.command()(compare.compare)
app.command()(predict.predict)
app.command()(demo.demo)
app.command()(serve.serve)
app.command()(export.export)
app.command()(push.push)
app.command()(pull.pull)
app.command()(reproduce.reproduce)
app.add_typer(runs.app, name="runs")
app.add_typer(config.app, name="config")
app.command()(doctor.doctor)


@app.command(hidden=True, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def bench() -> None:
    """Report the present place of the benchmarks, which used to be a command of the package."""
    raise ConfigError("the benchmarks are not part of the package; run `make bench` in the repository")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sercli {sercli.__version__}")
        raise typer.Exit


def _add_plugins(folders: list[str] | None) -> list[str] | None:
    if folders:
        from sercli import registry

        for folder in folders:
            registry.add_folder(folder)
    return folders


@app.callback()
def _options(
    *,
    plugins: Annotated[
        list[str] | None,
        typer.Option(
            "--plugins",
            metavar="FOLDER",
            help="Folder with your own models, features, corpora or studies, laid out as the folders of the "
            "package; accepted before and after a command; may be repeated. [env var: SERCLI_PLUGINS]",
            callback=_add_plugins,
            is_eager=True,
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Take speech emotion recognition from the raw corpus to a defensible table."""


def main() -> None:
    """Run the command line; an error that a user can correct ends with status 1 and one line on stderr."""
    # By default, torch's threads that wait for each other spin without end. Beside another busy process this
    # makes a step some thirty times slower. Therefore they spin briefly and then sleep.
    os.environ.setdefault("GOMP_SPINCOUNT", "30000")
    try:
        app(_plugins_first(sys.argv[1:]))
    except SerError as error:
        _fail(str(error))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        remedy = _REMEDIES.get(error.errno or 0, "")
        _fail(f"{place}{error.strerror or error}{remedy}")


def _plugins_first(arguments: list[str]) -> list[str]:
    """Move each ``--plugins FOLDER`` to the front, so that it is read before the command looks up names."""
    first: list[str] = []
    rest: list[str] = []
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            rest += [argument, *left]
        elif argument == "--plugins":
            first += [argument, *islice(left, 1)]
        elif argument.startswith("--plugins="):
            first.append(argument)
        else:
            rest.append(argument)
    return [*first, *rest]


def _fail(message: str) -> None:
    typer.echo(f"error: {message}", err=True)
    sys.exit(1)
