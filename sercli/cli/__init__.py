"""Run the command line: one file per command; each parses, calls and prints.

No file here imports torch, Lightning or NumPy at the top, so that `sercli --help` answers at once.
"""

import errno
import logging
import os
import sys
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

import sercli
from sercli.cli._app import App, Group, Lazy, LazyCommands
from sercli.errors import ConfigError, SerError

# Each summary is the first sentence of the command's own help, which is imported only with the command.
_COMMANDS = {
    "prepare": Lazy("prepare:app", "Prepare a corpus: write its manifest and 16 kHz audio."),
    "audit": Lazy("audit:audit", "Find what leaks between train, dev and test."),
    "train": Lazy("train:train", "Train and test an architecture on folds."),
    "ablate": Lazy("ablate:ablate", "Train all rows of a study, for example a table of a paper."),
    "report": Lazy("report:report", "Print and write the table of a study."),
    "eval": Lazy("evaluate:evaluate", "Print the test metrics of a run and write its report."),
    "compare": Lazy("compare:compare", "Compare runs with the first one and write a page."),
    "predict": Lazy("predict:predict", "Predict the emotion of recordings."),
    "demo": Lazy("demo:demo", "Serve a web page that predicts recorded or uploaded speech."),
    "serve": Lazy(
        "serve:serve",
        "Serve predictions over HTTP: POST a recording, receive JSON; or stream over a websocket.",
    ),
    "export": Lazy("export:export", "Export a trained model as a folder with a model card."),
    "push": Lazy("push:push", "Upload an exported model to the Hugging Face Hub."),
    "pull": Lazy("pull:pull", "Download a model from the Hugging Face Hub."),
    "reproduce": Lazy("reproduce:reproduce", "Evaluate a model again on your copy of its corpus."),
    "doctor": Lazy("doctor:doctor", "Report what is installed and what is missing."),
    "corpora": Lazy("corpora:app", "List the corpora, or export the manifest of a prepared corpus."),
    "protocols": Lazy("protocols:app", "List the protocols, or show the folds of one on a corpus."),
    "features": Lazy("features:app", "Compute the features of a corpus, or maintain the stores."),
    "models": Lazy("models:app", "List the architectures, or show the layers of one."),
    "runs": Lazy("runs:app", "List the runs with their metrics; show or remove one."),
    "config": Lazy("config:app", "Show settings."),
    "template": Lazy("template:template"),
}

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_REMEDIES = {
    **dict.fromkeys(_NO_SPACE, "; free some space and run the same command again"),
    errno.EACCES: "; get permission, or choose another folder",
    errno.EROFS: "; choose a folder that can be written",
}


class _Commands(Group):
    """The commands of sercli; each is imported when it is used, and `--help` imports none."""

    def __init__(self, *, commands: Any = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = LazyCommands(_COMMANDS, commands or {})

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the list of commands with their summaries."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.summary) for name, each in _COMMANDS.items() if each.summary])


app = App(
    name="sercli",
    cls=_Commands,
    help=sercli.__doc__,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    # Without a home that can be written, matplotlib uses a temporary folder, with a long warning each time.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    _open_streams()
    try:
        app(_plugins_first(sys.argv[1:]))
    except SerError as error:
        _fail(str(error))
    except OSError as error:
        _fail(_describe(error))


def _open_streams() -> None:
    """Replace closed standard streams, and let none fail at a letter that its encoding lacks.

    A service may run with closed streams. Python has none then, and the next file that is opened would take
    the stream's number, so that what a library prints would be written into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            opened = Path(os.devnull).open("w" if number else "r", encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, opened)
        elif number and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


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


def _describe(error: OSError) -> str:
    """Describe an error of the system: the place, the fact and the remedy."""
    if isinstance(error, FileExistsError | NotADirectoryError) and error.filename:
        from sercli.files import find_obstacle

        if obstacle := find_obstacle(Path(error.filename)):
            return f"{obstacle}; remove it, or choose another folder"
    # Files that a command writes are named by `sercli.files.naming`.
    place = error.filename or ("standard output, or a temporary file" if error.errno in _NO_SPACE else None)
    fact = f"{error.strerror or error}{_REMEDIES.get(error.errno or 0, '')}"
    return f"{place}: {fact}" if place else fact


def _fail(message: str) -> None:
    typer.echo(f"error: {message}", err=True)
    sys.exit(1)
