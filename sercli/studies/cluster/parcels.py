"""Parcels for machines that do not see the workspace: a corpus, features, a bundle to start from.

A parcel is known by the digest of its content, and unpacked once on each machine. The workspace of such a
machine is a folder of links to unpacked parcels, with runs of its own.
"""

import getpass
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Protocol

from filelock import FileLock

from sercli import files
from sercli.config import digest
from sercli.errors import RunError
from sercli.features import Array, FeatureConfig
from sercli.store import FeatureStore, Number
from sercli.studies.cluster.messages import INIT
from sercli.training.plan import Plan, open_stores
from sercli.unions import corpora_of
from sercli.workspace import Workspace

# Size of a chunk, which limits the memory that each side needs.
_CHUNK_BYTES = 32 << 20


class ParcelPiece(Protocol):
    """A part of a parcel."""

    @property
    def size(self) -> int:
        """Approximate number of bytes."""

    def unpack(self, root: Path) -> None:
        """Write it below a workspace's folder."""


class Parcel(Protocol):
    """Files of a workspace."""

    @property
    def place(self) -> str:
        """Its folder, relative to the workspace."""

    @property
    def digest(self) -> str:
        """Equal for equal content, different otherwise."""

    def pieces(self) -> Iterator[ParcelPiece]:
        """Read it, piece by piece."""


@dataclass(frozen=True, slots=True)
class _Bytes:
    """Consecutive bytes of a file."""

    file: str
    offset: int
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def unpack(self, root: Path) -> None:
        path = root / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if self.offset else "wb") as file:
            file.seek(self.offset)
            file.write(self.content)


@dataclass(frozen=True, slots=True)
class _Arrays:
    """Features of some recordings, by the hash of their audio."""

    kind: str
    config: FeatureConfig
    number: Number
    arrays: tuple[tuple[str, Array], ...]

    @property
    def size(self) -> int:
        return sum(array.nbytes for _, array in self.arrays)

    def unpack(self, root: Path) -> None:
        with FeatureStore(root / "features", self.kind, self.config, self.number).writing() as writer:
            for key, array in self.arrays:
                writer.append(key, array)


@dataclass(frozen=True, slots=True)
class _Files:
    """Files of a folder."""

    place: str
    digest: str
    folder: Path
    names: tuple[str, ...]

    def pieces(self) -> Iterator[ParcelPiece]:
        for name in self.names:
            offset = 0
            with (self.folder / name).open("rb") as file:
                while (content := file.read(_CHUNK_BYTES)) or not offset:
                    yield _Bytes(f"{self.place}/{name}", offset, content)
                    offset += len(content)
                    if len(content) < _CHUNK_BYTES:
                        break


@dataclass(frozen=True, slots=True)
class _Features:
    """The features of a corpus in a store."""

    store: FeatureStore
    keys: tuple[str, ...]

    @property
    def place(self) -> str:
        return f"features/{self.store.path.name}"

    @property
    def digest(self) -> str:
        places = self.store.read_index()
        return digest([self.place, [[key, places[key].crc32] for key in self.keys]], length=24)

    def pieces(self) -> Iterator[ParcelPiece]:
        store = self.store
        arrays: list[tuple[str, Array]] = []
        for key in self.keys:
            arrays.append((key, store[key].copy()))
            if sum(array.nbytes for _, array in arrays) >= _CHUNK_BYTES or key == self.keys[-1]:
                yield _Arrays(store.kind, store.config, store.number, tuple(arrays))
                arrays = []


def parcels_of(plan: Plan) -> list[Parcel]:
    """List the parcels that a run's trials read: the corpus, its features, the weights to start from."""
    found: list[Parcel] = [_corpus(plan)]
    for store in open_stores(plan):
        keys = dict.fromkeys(store.key(utterance) for utterance in plan.utterances.values())
        found.append(_Features(store, tuple(sorted(key for key in keys if key in store))))
    if plan.config.init:
        found.append(_bundle(Path(plan.config.init.rpartition("#")[0])))
    return found


def _corpus(plan: Plan) -> Parcel:
    """Pack the manifest, facts and continuous labels; the audio only if training changes it."""
    corpus, workspace = plan.config.corpus, plan.workspace
    folder = workspace.corpus(corpus)
    needs_audio = any(entry.stage == "samples" for entry, _ in plan.config.augmentations.values())
    described = [workspace.manifest(part).with_name("corpus.json") for part in corpora_of(corpus)]
    names = [
        path.relative_to(folder).as_posix()
        for each in described
        for path in (each.with_name("manifest.jsonl"), each)
    ]
    for utterance in plan.utterances.values():
        names += [utterance.trace] if utterance.trace else []
        names += [utterance.file] if needs_audio else []
    # The manifest states the hashes of all audio and of all labels.
    deciding = [corpus, plan.manifest_sha256, *map(files.sha256, described), needs_audio]
    place = folder.relative_to(workspace.root).as_posix()
    return _Files(place, digest(deciding, length=24), folder, tuple(dict.fromkeys(names)))


def _bundle(folder: Path) -> Parcel:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    hashes = [[name, files.sha256(folder / name)] for name in names]
    return _Files(INIT, digest(hashes, length=24), folder, tuple(names))


def chunks(parcel: Parcel) -> Iterator[list[ParcelPiece]]:
    """Read a parcel in chunks of pieces."""
    waiting: list[ParcelPiece] = []
    for piece in parcel.pieces():
        waiting.append(piece)
        if sum(each.size for each in waiting) >= _CHUNK_BYTES:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def node_folder() -> Path:
    """Return the folder of a machine's parcels, made if necessary; only the user can read it.

    Raises:
        RunError: another user owns it.
    """
    folder = Path(tempfile.gettempdir()) / f"sercli-{getpass.getuser()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise RunError(f"{folder}: another user owns it; set TMPDIR to another folder before `ray start`")
    return folder


def unpack(parcel: str, sent: Iterable[Iterable[ParcelPiece]]) -> None:
    """Unpack a parcel completely or not at all, unless it is unpacked already.

    Args:
        parcel: its digest.
        sent: its chunks; not read if another process has unpacked it meanwhile.
    """
    place = _place(parcel)
    place.parent.mkdir(exist_ok=True)
    with FileLock(place.with_suffix(".lock")):
        if place.exists():
            return
        for left in place.parent.glob(f".{place.name}.*"):  # from a process that was killed
            rmtree(left, ignore_errors=True)
        with files.replacing_folder(place) as root:
            for chunk in sent:
                for piece in chunk:
                    piece.unpack(root)


def lay_out(parcels: Mapping[str, str]) -> Workspace:
    """Return a workspace that links to unpacked parcels, given by place."""
    root = node_folder() / "workspaces" / digest(dict(parcels))
    for place, parcel in parcels.items():
        link = root / place
        link.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            link.symlink_to(_place(parcel) / place, target_is_directory=True)
    return Workspace(root)


def _place(parcel: str) -> Path:
    return node_folder() / "parcels" / parcel
