"""Fetch a bundle from a model repository: only the files that it names, checked before they appear."""

import glob
import html
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sercli.bundle import Bundle
from sercli.errors import RunError
from sercli.hub import HubError
from sercli.hub._asking import asking, check_name, client
from sercli.hub._files import CARD, DESCRIPTION, check_sizes, name_files

_COMMIT = re.compile("[0-9a-f]{40}")
_MOST_NOTICES = 10
_MOST_OF_CARD = 1 << 20  # characters
_BANNER = re.compile(r"^> \*\*(.+)\*\*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, eq=False)
class Pulled:
    """A fetched bundle.

    Attributes:
        path: its folder.
        commit: its commit in the repository, as 40 hexadecimal digits.
        bundle: the loaded bundle.
        notices: warnings above the scores in its card.
        programs: files that are programs for other runtimes.
        skipped: files of the repository that are not part of the bundle.
    """

    path: Path
    commit: str
    bundle: Bundle
    notices: tuple[str, ...]
    programs: tuple[str, ...]
    skipped: tuple[str, ...]


def pull(repo: str, out: Path | None = None, revision: str | None = None) -> Pulled:
    """Fetch a bundle, completely or not at all.

    After an interruption, files that were fetched already are not fetched again: they are kept in a hidden
    folder beside ``out``.

    Args:
        repo: ``OWNER/NAME``.
        out: the new folder; the repository's name if not given.
        revision: branch, tag or commit; the main branch if not given.

    Raises:
        HubError: ``out`` exists already; the repository holds no bundle, or a changed one; or the Hub refuses
            or can't be reached.
        ConfigError: the Hub's library is not installed.
    """
    check_name(repo)
    out = Path(repo.partition("/")[2]) if out is None else out
    if out.name in {"", ".."} or out.resolve() == Path.cwd():
        raise HubError(f"{out}: not a new folder; name one")
    if out.is_symlink() or (out.exists() and not (out.is_dir() and not any(out.iterdir()))):
        raise HubError(f"{out}: exists already; name another folder, or remove it")
    api = client()
    with asking(repo, revision):
        info = api.model_info(repo, revision=revision, files_metadata=True)
    commit = str(info.sha)
    if not _COMMIT.fullmatch(commit):
        raise HubError(f"{repo}: the Hub states no commit")
    sizes = {each.rfilename: each.size for each in info.siblings or ()}
    if DESCRIPTION not in sizes:
        raise HubError(f"{repo}: holds no bundle (no {DESCRIPTION}); name a repository that sercli pushed")
    check_sizes(sizes, [DESCRIPTION], repo)
    names = name_files(api, repo, commit)
    check_sizes(sizes, names, repo)
    waiting = _waiting(out, commit)
    for name in names:
        with asking(repo):
            api.hf_hub_download(repo, name, revision=commit, local_dir=waiting)
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as beside:
            folder = Path(beside) / "bundle"
            folder.mkdir()
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (waiting / name).rename(folder / name)
            _load(folder, repo)
            notices = _notices(folder / CARD) if CARD in names else ()
            _put(folder, out)
            bundle = _load(out, repo)  # an encoder inside it is named by its folder
    finally:
        # Files that are not a bundle must not be used again.
        shutil.rmtree(waiting, ignore_errors=True)
    return Pulled(
        path=out,
        commit=commit,
        bundle=bundle,
        notices=notices,
        programs=tuple(name for name in names if name.endswith((".onnx", ".pt2"))),
        skipped=tuple(sorted(name for name in sizes if name not in names and name != ".gitattributes")),
    )


def _notices(card: Path) -> tuple[str, ...]:
    with card.open(encoding="utf-8", errors="replace") as file:
        found = [html.unescape(each) for each in _BANNER.findall(file.read(_MOST_OF_CARD))]
    more = [f"and {len(found) - _MOST_NOTICES} more, see {CARD}"] if len(found) > _MOST_NOTICES else []
    return (*found[:_MOST_NOTICES], *more)


def _put(folder: Path, out: Path) -> None:
    """Move the folder to its place, which must be free or an empty folder."""
    try:
        folder.rename(out)
    except OSError as error:
        raise HubError(f"{out}: can't be made ({error.strerror}); name another folder") from None


def _waiting(out: Path, commit: str) -> Path:
    """Make the folder for fetched files, and remove those of other commits."""
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = out.parent / f".{out.name}.{commit[:12]}.part"
    for other in out.parent.glob(f".{glob.escape(out.name)}.*.part"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    return folder


def _load(folder: Path, repo: str) -> Bundle:
    """Check all digests, and whether the network fits its weights."""
    try:
        return Bundle.load(folder)
    except RunError as error:
        raise HubError(str(error).replace(f"{folder}/", f"{repo}: ").replace(str(folder), repo)) from None
