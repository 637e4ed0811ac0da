"""``sercli prepare``."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sercli.cli._app import App, Command
from sercli.cli._completion import complete_corpus
from sercli.cli._options import (
    ColumnOption,
    JsonOption,
    SegmentsOption,
    VadOption,
    VadSetOption,
    WorkspaceOption,
    column_pairs,
    find_turns,
    key_values,
)
from sercli.cli._output import progress_bar
from sercli.cli._preparation import print_preparation
from sercli.errors import ConfigError

# Options that only some readers have, by setting: how they are typed, and which corpora have them.
_OPTIONS = {
    "map": ("--map", "folder, csv and manifest; train --classes merges or leaves out emotions"),
    "columns": ("--column", "csv and manifest"),
    "speaker_pattern": ("--speaker-pattern", "folder, csv and manifest"),
}
_NAMED = "sercli.prepare.corpus"


class PrepareCommand(Command):
    """The command whose help also describes a corpus, if one is named before ``--help``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the name of the corpus for the help, which ends the reading of the command line."""
        ctx.meta[_NAMED] = self.make_parser(ctx).parse_args(args=list(args))[0].get("corpus")
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write what the named corpus is, and how to obtain it.

        Raises:
            UnknownNameError: there is no corpus of that name.
        """
        super().format_epilog(ctx, formatter)
        name = ctx.meta.get(_NAMED)
        if not isinstance(name, str):
            return
        from sercli.cli.corpora import describe_access, describe_corpus
        from sercli.corpora import get_corpus

        entry = get_corpus(name)
        lines = [*describe_corpus(name, entry), *describe_access(name, entry)]
        formatter.write("\n" + "".join(f"{line}\n" for line in lines))


app = App()


@app.command(cls=PrepareCommand)
def prepare(
    corpus: Annotated[
        str,
        typer.Argument(
            autocompletion=complete_corpus,
            help="A corpus of `sercli corpora`; folder, csv or manifest for your own corpus. Add --help to "
            "see how to obtain it.",
            show_default=False,
        ),
    ],
    path: Annotated[
        Path | None,
        typer.Argument(help="Folder or file of the corpus as distributed; not needed for synthetic corpora."),
    ] = None,
    *,
    download: Annotated[
        bool,
        typer.Option(
            "--download",
            help="Download the corpus first, if its licence allows it; an interrupted download resumes.",
        ),
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Accept an incomplete copy of the corpus.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out files that cannot be used, and list them.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the corpus, if it is read by folder, csv or manifest.", show_default=False
        ),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="LABEL=EMOTION",
            help="Replace a label of the corpus by another, for example hap=happiness; may be repeated.",
        ),
    ] = None,
    columns: ColumnOption = None,
    speaker_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Regular expression that finds the speaker in the path of a file, for example "
            "'_(EB[0-9])_'.",
            show_default=False,
        ),
    ] = None,
    audio_root: Annotated[
        Path | None,
        typer.Option(
            help="Folder that the file names of a table are relative to. [default: the folder of the table]",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Set an option of the corpus, for example lag_s=2 for recola; may be repeated.",
        ),
    ] = None,
    vad: VadOption = False,
    vad_set: VadSetOption = None,
    segments: SegmentsOption = None,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Prepare a corpus: write its manifest and 16 kHz audio.

    An interrupted preparation resumes where it stopped. The counts are checked against those of the
    corpus as released.
    """
    from sercli.config import join, parse_assignments
    from sercli.preparation import prepare as run
    from sercli.workspace import Workspace

    cutting = find_turns(vad=vad, vad_set=vad_set, segments=segments)
    options: dict[str, Any] = {
        "map": key_values("--map", "LABEL=EMOTION", labels or []),
        "columns": column_pairs(columns or []),
        "speaker_pattern": speaker_pattern,
    }
    given = {key: value for key, value in options.items() if value not in (None, {})}
    _check_options(corpus, given)
    chosen = join(parse_assignments(settings or [], example="lag_s=2"), given)
    with progress_bar(f"preparing {corpus}") as progress:
        result = run(
            corpus,
            path,
            Workspace(workspace),
            name=name,
            audio_root=audio_root,
            settings=chosen,
            partial=partial,
            skip_bad=skip_bad,
            download=download,
            cutting=cutting,
            progress=progress,
        )
    if json:
        typer.echo((result.path.parent / "corpus.json").read_text(encoding="utf-8"), nl=False)
    else:
        print_preparation(result)


def _check_options(corpus: str, given: Mapping[str, Any]) -> None:
    """Refuse a path in place of a corpus, and the options that the reader of a corpus does not have."""
    from sercli.corpora import corpus_names, get_corpus

    if corpus not in corpus_names() and os.path.exists(corpus):  # noqa: PTH110 (no error for a long name)
        raise ConfigError(
            f"'{corpus}' is a path; write the name of the corpus before it: `sercli prepare folder {corpus}` "
            "for a folder for each emotion, csv for a table, manifest for a list of another tool, or a name "
            "that `sercli corpora` lists"
        )
    reader = get_corpus(corpus).options
    for key in given:
        if reader is None or key not in reader.model_fields:
            option, remedy = _OPTIONS[key]
            raise typer.BadParameter(f"{option} is not for corpus '{corpus}', but for {remedy}")
