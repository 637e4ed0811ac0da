"""The files of a bundle: those that its description names, of kinds that no program runs automatically."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sercli.encoders import is_file_of_encoder
from sercli.hub import HubError
from sercli.hub._asking import asking
from sercli.plain.json import from_json

if TYPE_CHECKING:
    from huggingface_hub import HfApi

DESCRIPTION = "bundle.json"
WEIGHTS = "weights.safetensors"
CARD = "README.md"

# Kinds of files that `sercli export` writes beside description and weights: the card, and programs.
_KINDS = frozenset({".md", ".onnx", ".pt2"})

# Far above any bundle: networks have at most some ten million weights, encoders some hundred million.
_MOST_BYTES = 4 << 30
_MOST_DESCRIPTION_BYTES = 1 << 24


def may_be_in_bundle(name: str) -> bool:
    """Return whether a bundle can have a file of this name."""
    if name in {DESCRIPTION, WEIGHTS} or is_file_of_encoder(name):
        return True
    plain = name == PurePosixPath(name).name and "\\" not in name and name.isprintable()
    return plain and not name.startswith(".") and PurePosixPath(name).suffix in _KINDS


def files_of(description: Mapping[str, Any], place: str) -> list[str]:
    """List the files of a bundle, its description first.

    Args:
        description: content of ``bundle.json``.
        place: place of the bundle, for messages.

    Raises:
        HubError: it names a file of a kind that no bundle has.
    """
    names = description.get("files", {})
    if not isinstance(names, dict):
        raise HubError(f"{place}: {DESCRIPTION} is damaged; get the bundle again")
    foreign = [name for name in names if not may_be_in_bundle(name)]
    if foreign:
        raise HubError(f"{place}: names {foreign[0]!r}, which no bundle has; don't use it")
    return list(dict.fromkeys((DESCRIPTION, WEIGHTS, *names)))


def name_files(api: "HfApi", repo: str, commit: str) -> dict[str, str | None]:
    """List the files of the bundle in a repository, its description first, each with its digest if known.

    Raises:
        HubError: it is not a bundle, or can't be fetched.
    """
    with tempfile.TemporaryDirectory() as folder:
        with asking(repo):
            place = Path(api.hf_hub_download(repo, DESCRIPTION, revision=commit, local_dir=folder))
        description = read_description(place, repo)
    return dict.fromkeys(files_of(description, repo)) | dict(description.get("files", {}))


def read_description(path: Path, place: str) -> dict[str, Any]:
    """Read ``bundle.json``.

    Raises:
        HubError: it is not the description of a bundle.
    """
    try:
        description = from_json(path.read_text(encoding="utf-8"))
    except ValueError:
        description = None
    if not isinstance(description, dict) or "weights_sha256" not in description:
        raise HubError(
            f"{place}: its {DESCRIPTION} is not that of a bundle; name a repository that sercli pushed"
        )
    return description


def check_sizes(sizes: Mapping[str, int | None], names: Iterable[str], place: str) -> None:
    """Refuse files that are larger than those of any bundle.

    Args:
        sizes: sizes in bytes by name; ``None`` for unknown ones.
        names: names of the files to check.
        place: place of the bundle, for messages.

    Raises:
        HubError: the files are too large, or one is missing.
    """
    total = 0
    for name in names:
        if name not in sizes:
            raise HubError(f"{place}: lacks {name}; the bundle is incomplete")
        size = sizes[name]
        if size is None:
            raise HubError(f"{place}: the Hub does not state the size of {name}; run again later")
        if name == DESCRIPTION and size > _MOST_DESCRIPTION_BYTES:
            raise HubError(f"{place}: {name} has {size} bytes, more than that of any bundle; don't use it")
        total += size
    if total > _MOST_BYTES:
        raise HubError(f"{place}: {total} bytes, more than the {_MOST_BYTES} of the largest bundle")
