"""The project's own files agree with one another."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _name_and_version(requirement: str) -> tuple[str, str]:
    found = re.match(r"([A-Za-z0-9_.-]+)\s*[=>]=\s*([0-9.]+)", requirement)
    return found[1], found[2]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def test_the_minimum_versions_are_those_that_the_project_allows():
    lines = (ROOT / "constraints-minimum.txt").read_text(encoding="utf-8").splitlines()
    tested = dict(_name_and_version(line) for line in lines if line and not line.startswith("#"))
    allowed = dict(map(_name_and_version, PROJECT["dependencies"]))
    assert tested.keys() == allowed.keys()
    for name, least in allowed.items():
        # The first release of a series may be 0.15.1, or have been withdrawn.
        assert _numbers(tested[name])[: len(_numbers(least))] == _numbers(least)


def test_the_citation_names_the_version_of_the_package():
    import sercli

    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {sercli.__version__}\n" in citation


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_each_python_version_that_is_named_is_tested(version):
    workflow = (ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]
    assert f'"{version}"' in workflow
