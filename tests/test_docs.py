"""The documentation names what there is: commands, options, entries, and the papers' figures."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pytest
import typer
import yaml

from sercli import cli, registry, studies
from sercli.protocols import protocol_names
from sercli.schemes import scheme_names

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

_spec = importlib.util.spec_from_file_location("_hooks", DOCS / "_hooks.py")
hooks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hooks)


def commands_of(text):
    """Yield the words after ``sercli`` of each command in a page, in blocks and within sentences."""
    text = text.replace("\\\n", " ")
    lines = re.findall(r"^(?:\$|run) (.*)$", text, re.MULTILINE)
    inline = [" ".join(code.split()) for code in re.findall(r"`(sercli [^`]+)`", text)]
    for line in [*lines, *inline]:
        for part in line.split(" | "):
            words = shlex.split(part, comments=True)
            if "sercli" in words:
                yield words[words.index("sercli") + 1 :]


COMMANDS = typer.main.get_command(cli.app)


def wrong_in(words):
    """Say which word of a command there is not."""
    command = COMMANDS
    while words and hasattr(command, "commands"):
        if words[0] in command.commands:
            command = command.commands[words.pop(0)]
        elif words[0].startswith("-") or (words[0].isupper() and command.name != "features"):
            break  # an option of all, a placeholder
        elif command.name == "features":
            command = command.commands["compute"]
        else:
            return words[0]
    known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)} | {"--help"}
    given = [word.split("=")[0] for word in words if word.startswith("--")]
    return next((option for option in given if option not in known), None)


def test_a_wrong_command_is_found():
    found = [
        wrong_in(words) for words in commands_of("$ sercli train --archh x\n`sercli trian`\n`sercli runs ls`")
    ]
    assert found == ["--archh", "trian", "ls"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_names_commands_and_options_that_there_are(page):
    wrong = [
        (" ".join(words), bad)
        for words in commands_of(page.read_text("utf-8"))
        if (bad := wrong_in([*words]))
    ]
    assert wrong == []


def test_each_command_stands_in_the_table_and_below_it():
    page = (DOCS / "commands.md").read_text("utf-8")
    assert hooks.MARK in page
    table = page[: page.index("## All options")]
    site = hooks.on_page_markdown(page)
    for name, command in hooks.commands():
        assert f"### {name}\n" in site
        assert name.removeprefix("sercli ") in table or f"`{name.split()[-1]}`" in table, name
        for option in (
            opt for each in command.params if not getattr(each, "hidden", False) for opt in each.opts
        ):
            assert option in site, (name, option)
    assert "--here" not in site


@pytest.mark.parametrize(
    ("family", "page"),
    [
        ("sercli.corpora", "corpora.md"),
        ("sercli.features", "features.md"),
        ("sercli.augmentations", "augmentations.md"),
        ("sercli.models", "papers/index.md"),
    ],
)
def test_each_entry_stands_on_its_page(family, page):
    text = (DOCS / page).read_text("utf-8")
    assert [name for name in registry.names(family) if f"`{name}`" not in text] == []


def test_each_protocol_stands_on_its_page():
    text = (DOCS / "protocols.md").read_text("utf-8")
    assert [name for name in protocol_names() if f"`{name}`" not in text] == []


def test_each_scheme_stands_on_the_page_of_corpora():
    text = (DOCS / "corpora.md").read_text("utf-8")
    assert [name for name in scheme_names() if f"`{name}`" not in text] == []


def test_the_table_of_corpora_is_that_of_the_entries():
    sys.path.insert(0, str(DOCS))
    try:
        from _corpora import PAGE, page
    finally:
        sys.path.remove(str(DOCS))
    assert PAGE.read_text("utf-8") == page(), "run: python docs/_corpora.py"


def test_each_study_stands_on_a_page():
    text = "".join(page.read_text("utf-8") for page in PAGES)
    assert [name for name in studies.study_names() if f"sercli ablate {name}" not in text] == []


@pytest.mark.parametrize("paper", ["mdcnn", "eca", "melcnn", "diccoser", "attpool"])
def test_a_papers_page_has_the_figures_of_its_studies(paper):
    text = (DOCS / "papers" / f"{paper}.md").read_text("utf-8")
    files = sorted((ROOT / "sercli/studies").glob(f"{paper}*.yaml"))
    assert files
    figures = set()
    for file in files:
        study = yaml.safe_load(file.read_text("utf-8"))
        given = [row.get("paper", {}) for row in study.get("rows", [])]
        given += [*study.get("paper", {}).values(), *study.get("references", {}).values()]
        figures |= {value for row in given for of in row.values() for value in of.values()}
    printed = {
        value.rstrip("0") if isinstance(value, str) else f"{value:g}".removeprefix("0") for value in figures
    }
    assert [each for each in sorted(printed) if each not in text] == []


@pytest.mark.slow
def test_the_site_is_built(tmp_path):
    pytest.importorskip("mkdocs")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path / "site"), strict=True)
    config.plugins.run_event("startup", command="build", dirty=False)
    build(config)
    assert "sercli train" in (tmp_path / "site/commands/index.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("page", "example"),
    [
        ("how-to/own-architecture.md", "own/models/stats_pool.py"),
        ("how-to/own-architecture.md", "own_architecture.py"),
        ("how-to/own-corpus.md", "own/corpora/school.py"),
        ("features.md", "own/features/energy.py"),
        ("augmentations.md", "own/augmentations/cut.py"),
    ],
)
def test_a_page_about_an_entry_of_ones_own_shows_the_example(page, example):
    shown = (DOCS / page).read_text("utf-8")
    assert (ROOT / "examples" / example).read_text("utf-8") in shown
