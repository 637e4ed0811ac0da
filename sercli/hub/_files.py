"""Which files are a bundle's: those that its description names, of kinds that nothing runs by itself."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sercli.hub import HubError
from sercli.hub._asking import asking
from sercli.plain.json import from_json

if TYPE_CHECKING:
    from huggingface_hub import HfApi

DESCRIPTION = "bundle.json"
WEIGHTS = "weights.safetensors"
CARD = "README.md"

# What `sercli export` writes beside description and weights: the card, and programs.
_KINDS = frozenset({".md", ".onnx", ".pt2"})

# What no bundle comes near: the networks here have some ten million weights at most.
_MOST_BYTES = 2 << 30
_MOST_DESCRIPTION_BYTES = 1 << 24


def may_be_in_bundle(name: str) -> bool:
    """Tell whether a name can be that of a bundle's file."""
    if name in {DESCRIPTION, WEIGHTS}:
        return True
    plain = name == PurePosixPath(name).name and "\\" not in name and name.isprintable()
    return plain and not name.startswith(".") and PurePosixPath(name).suffix in _KINDS


def files_of(description: Mapping[str, Any], place: str) -> list[str]:
    """List the files of a bundle, its description first.

    Args:
        description: what ``bundle.json`` holds.
        place: of the bundle, for messages.

    Raises:
        HubError: it names a file of a kind that no bundle has.
    """
    names = description.get("files", {})
    if not isinstance(names, dict):
        raise HubError(f"{place}: {DESCRIPTION} is damaged; get the bundle again")
    foreign = [name for name in names if not may_be_in_bundle(name)]
    if foreign:
        raise HubError(f"{place}: names {foreign[0]!r}, which is no file of a bundle; don't use it")
    return list(dict.fromkeys((DESCRIPTION, WEIGHTS, *names)))


def name_files(api: "HfApi", repo: str, commit: str) -> dict[str, str | None]:
    """List the files of the bundle in a repository, its description first, each with its digest if known.

    Raises:
        HubError: it is none, or can't be got.
    """
    with tempfile.TemporaryDirectory() as folder:
        with asking(repo):
            place = Path(api.hf_hub_download(repo, DESCRIPTION, revision=commit, local_dir=folder))
        description = read_description(place, repo)
    return dict.fromkeys(files_of(description, repo)) | dict(description.get("files", {}))


def read_description(path: Path, place: str) -> dict[str, Any]:
    """Read ``bundle.json``.

    Raises:
        HubError: it is none.
    """
    try:
        description = from_json(path.read_text(encoding="utf-8"))
    except ValueError:
        description = None
    if not isinstance(description, dict) or "weights_sha256" not in description:
        raise HubError(f"{place}: its {DESCRIPTION} is not a bundle's; name a repository that sercli pushed")
    return description


def check_sizes(sizes: Mapping[str, int | None], names: Iterable[str], place: str) -> None:
    """Refuse what is larger than any bundle.

    Args:
        sizes: in bytes, by name; ``None`` where it is not known.
        names: which are looked at.
        place: of the bundle, for messages.

    Raises:
        HubError: it is, or a file is missing.
    """
    total = 0
    for name in names:
        if name not in sizes:
            raise HubError(f"{place}: lacks {name}; no whole bundle")
        size = sizes[name]
        if size is None:
            raise HubError(f"{place}: the Hub does not say how large {name} is; run again later")
        if name == DESCRIPTION and size > _MOST_DESCRIPTION_BYTES:
            raise HubError(f"{place}: {name} has {size} bytes, more than any bundle's; don't use it")
        total += size
    if total > _MOST_BYTES:
        raise HubError(f"{place}: {total} bytes, more than the {_MOST_BYTES} of the largest bundle")
