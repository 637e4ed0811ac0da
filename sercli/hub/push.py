"""Push an exported bundle to a model repository, as one commit of exactly its files."""

import hashlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sercli
from sercli.bundle import UNKNOWN, Bundle, earlier_trainings
from sercli.hub import HubError
from sercli.hub._asking import LOGIN, asking, check_name, client
from sercli.hub._files import CARD, DESCRIPTION, check_sizes, files_of, name_files, read_description
from sercli.schemes import scheme_name

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.hf_api import ModelInfo

# Licences that let anyone publish a model of the recordings: NonCommercial and ShareAlike restrict its users,
# NoDerivatives forbids it.
_OPEN = re.compile(r"(CC0|public domain|free to use|CC BY(-NC)?(-SA)?)( \d[.\d]*)?", re.IGNORECASE)
# Licences of weights, in the spelling of the Hub, that let anyone publish them.
_OPEN_WEIGHTS = re.compile(
    r"mit|apache-2\.0|bsd(-[23]-clause)?|unlicense|cc0-1\.0|cc-by(-nc)?(-sa)?-\d\.\d", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Pushed:
    """The result of a push.

    Attributes:
        url: the repository's page.
        commit: the branch's latest commit, as 40 hexadecimal digits.
        private: whether only its owner can see it.
        created: whether the repository is new.
        changed: whether there was anything to commit.
        files: files of the bundle.
        removed: files of the earlier bundle that this one lacks.
        rewritten: whether the earlier card was not the earlier bundle's, for example because it was edited.
        left: other files in the bundle's folder, which are not pushed.
    """

    url: str
    commit: str
    private: bool
    created: bool
    changed: bool
    files: tuple[str, ...]
    removed: tuple[str, ...]
    rewritten: bool
    left: tuple[str, ...]


def push(
    path: Path,
    repo: str,
    *,
    public: bool = False,
    entitled: bool = False,
    branch: str | None = None,
    message: str | None = None,
) -> Pushed:
    """Push an exported bundle to a model repository, which is made if it does not exist.

    Args:
        path: the bundle, as `sercli export` wrote it.
        repo: ``OWNER/NAME``.
        public: whether everybody may see a new repository; also needed for one that is public already.
        entitled: whether the user claims the right to publish, whatever the corpus's licence.
        branch: branch, which is made from the main one if it does not exist; the main one if not given.
        message: message of the commit.

    Raises:
        RunError: it is not a bundle, or has changed.
        HubError: there is no bundle, or none with a card; it may not be published; or the Hub refuses or
            can't be reached.
        ConfigError: the Hub's library is not installed.
    """
    check_name(repo)
    if not (path / DESCRIPTION).is_file():
        raise HubError(f"{path}: not a bundle (no {DESCRIPTION}); make one with `sercli export`")
    bundle = Bundle.load(path)
    names = _files(path, bundle.facts)
    if public and not entitled:
        _check_licence(path, bundle.facts)
        _check_encoders(path, bundle, names)
    api = _log_in(repo)
    found, created = _take_repo(api, repo, branch, public=public)
    files = {each.rfilename for each in found.siblings or ()}
    _check_free(repo, files)
    before = name_files(api, repo, str(found.sha)) if DESCRIPTION in files else {}
    removed = sorted((set(before) & files) - set(names))
    rewritten = CARD in files and _rewritten(api, repo, found, before.get(CARD))
    with asking(repo, branch):
        done = api.create_commit(
            repo,
            _operations(path, names, removed),
            commit_message=message or _describe(bundle),
            revision=branch,
            # Nothing that another user commits meanwhile is lost.
            parent_commit=found.sha,
        )
    return Pushed(
        url=f"{api.endpoint}/{repo}",
        commit=done.oid,
        private=bool(found.private),
        created=created,
        changed=done.oid != found.sha,
        files=tuple(names),
        removed=tuple(removed),
        rewritten=rewritten,
        left=tuple(sorted({each.name for each in path.iterdir()} - {Path(name).parts[0] for name in names})),
    )


def _files(path: Path, facts: Mapping[str, Any]) -> list[str]:
    """List an exported bundle's files."""
    names = files_of(read_description(path / DESCRIPTION, str(path)), str(path))
    if CARD not in names or "figures" not in facts:
        raise HubError(f"{path}: a bundle without a model card; make one with `sercli export` and push that")
    check_sizes({name: (path / name).stat().st_size for name in names}, names, str(path))
    return names


def _check_licence(path: Path, facts: Mapping[str, Any]) -> None:
    """Refuse if the licence of any corpus that the weights were trained on may forbid publishing."""
    for each in (*earlier_trainings(facts, path), facts):
        licence = " ".join(str(each.get("licence") or UNKNOWN).split())
        if not _OPEN.fullmatch(licence):
            raise HubError(
                f"{path}: trained on recordings ({each.get('corpus')}) whose licence may forbid to publish "
                f"models of them ({licence}); read it, then leave --public out or add "
                "--i-have-the-right"
            )


def _check_encoders(path: Path, bundle: Bundle, names: Sequence[str]) -> None:
    """Refuse if the licence of an encoder inside the bundle may forbid publishing it."""
    for source in (choice.config.source for choice in bundle.inputs.values()):
        if source is None or not any(name.startswith(f"{source.folder}/") for name in names):
            continue
        if not _OPEN_WEIGHTS.fullmatch(source.facts.licence or ""):
            raise HubError(
                f"{path}: holds an encoder whose licence may forbid to publish it ({source.licence}); export "
                "without --with-encoder, leave --public out, or add --i-have-the-right"
            )


def _rewritten(api: "HfApi", repo: str, found: "ModelInfo", digest: str | None) -> bool:
    """Return whether the card is not the one that belongs to the earlier bundle."""
    with tempfile.TemporaryDirectory() as folder, asking(repo):
        place = Path(api.hf_hub_download(repo, CARD, revision=found.sha, local_dir=folder))
        return hashlib.sha256(place.read_bytes()).hexdigest() != digest


def _log_in(repo: str) -> "HfApi":
    """Return the client of the Hub; refuse if the user is not logged in."""
    api = client()
    with asking(repo):
        from huggingface_hub import get_token

        if get_token() is None:
            raise HubError(f"{repo}: you are not logged in to the Hub; {LOGIN}")
    return api


def _take_repo(api: "HfApi", repo: str, branch: str | None, *, public: bool) -> "tuple[ModelInfo, bool]":
    """Return the state of the branch, and whether the repository is new: it is made if it does not exist."""
    there = _look(api, repo)
    if there is None:
        with asking(repo):
            api.create_repo(repo, private=not public)
    elif not there.private and not public:
        raise HubError(f"{repo}: this repository is public; add --public, or name another")
    with asking(repo):
        found = there or api.model_info(repo)
        if branch is not None:
            found = _take_branch(api, repo, branch)
    return found, there is None


def _operations(
    path: Path, names: Sequence[str], removed: Sequence[str]
) -> "list[CommitOperationAdd | CommitOperationDelete]":
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    return [
        *(CommitOperationAdd(name, path / name) for name in names),
        *(CommitOperationDelete(name) for name in removed),
    ]


def _look(api: "HfApi", repo: str) -> "ModelInfo | None":
    """Return the state of the main branch; ``None`` if the repository does not exist for this login."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    with asking(repo):
        try:
            return api.model_info(repo)
        except GatedRepoError:
            raise
        except RepositoryNotFoundError:
            return None


def _take_branch(api: "HfApi", repo: str, branch: str) -> "ModelInfo":
    """Return the state of a branch, which is made from the main one if it does not exist."""
    from huggingface_hub.errors import RevisionNotFoundError

    try:
        return api.model_info(repo, revision=branch)
    except RevisionNotFoundError:
        api.create_branch(repo, branch=branch)
        return api.model_info(repo, revision=branch)


def _check_free(repo: str, files: set[str]) -> None:
    """Refuse to replace another kind of model by a bundle."""
    held = {name for name in files if name != ".gitattributes" and not name.endswith(".md")}
    if held and DESCRIPTION not in files:
        raise HubError(f"{repo}: holds something else, such as {min(held)}; name another repository")


def _describe(bundle: Bundle) -> str:
    facts = bundle.facts
    of = f"{scheme_name(facts.get('scheme'))}, fold {facts.get('fold')}, seed {facts.get('seed')}"
    return f"{bundle.arch} on {of} (sercli {sercli.__version__})"
