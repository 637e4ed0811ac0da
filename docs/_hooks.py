"""Add the options of every command to the page of commands, as the command line has them."""

from collections.abc import Iterator
from typing import Any

import typer

from sercli.cli import app

MARK = "`make docs` lists the options of every command here. `sercli COMMAND --help` prints them."


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the options where the mark is."""
    return markdown.replace(MARK, reference()) if MARK in markdown else markdown


def reference() -> str:
    """Write a section of Markdown for each command."""
    return "\n".join(_section(name, command) for name, command in commands())


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command that is not hidden by its complete name; a group comes before its commands."""
    for name, command in vars(typer.main.get_command(app))["commands"].items():
        if command.hidden:
            continue
        yield f"sercli {name}", command
        for below, part in getattr(command, "commands", {}).items():
            yield f"sercli {name} {below}", part


def _section(name: str, command: Any) -> str:
    context = command.context_class(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    records = [record for param in command.get_params(context) if (record := param.get_help_record(context))]
    rows = [
        f"| `{_cell(names)}` | {_plain(_cell(text))} |" for names, text in records if "--help" not in names
    ]
    table = ["| | |", "|---|---|", *rows, ""] if rows else []
    return "\n".join([f"### {name}", "", f"`{usage}`", "", *_paragraphs(command.help), *table])


def _paragraphs(text: str | None) -> list[str]:
    """Join each paragraph of a docstring to a line; an empty one follows each."""
    paragraphs = [" ".join(each.split()) for each in (text or "").split("\n\n")]
    return [line for each in paragraphs for line in (_plain(each), "")]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _plain(text: str) -> str:
    """Keep Markdown from reading links or tags into a sentence; code stays code."""
    return text.replace("<", "&lt;").replace("[", "\\[")
