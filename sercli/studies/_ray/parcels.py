"""What travels to machines that do not see the workspace: a corpus, features, a bundle to start from.

Each is a parcel, known by the digest of its content.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sercli.config import digest
from sercli.features import Array, FeatureConfig
from sercli.store import FeatureStore, Number
from sercli.studies._ray.messages import INIT
from sercli.studies._ray.unpacking import Piece
from sercli.training.plan import Plan, open_stores

# What is sent at once, so that neither side has to hold more of it in memory.
_CHUNK_BYTES = 32 << 20


class Parcel(Protocol):
    """Files of a workspace."""

    @property
    def place(self) -> str:
        """Folder that it fills, relative to the workspace."""

    @property
    def digest(self) -> str:
        """Equal for equal content, different otherwise."""

    def pieces(self) -> Iterator[Piece]:
        """Read it, piece by piece."""


@dataclass(frozen=True, slots=True)
class _Bytes:
    """A stretch of a file."""

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
    """Features of some audio, by its hash."""

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

    def pieces(self) -> Iterator[Piece]:
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
    """What a store holds of a corpus."""

    store: FeatureStore
    keys: tuple[str, ...]

    @property
    def place(self) -> str:
        return f"features/{self.store.path.name}"

    @property
    def digest(self) -> str:
        places = self.store.read_index()
        return digest([self.place, [[key, places[key].crc32] for key in self.keys]], length=24)

    def pieces(self) -> Iterator[Piece]:
        store = self.store
        arrays: list[tuple[str, Array]] = []
        for key in self.keys:
            arrays.append((key, store[key].copy()))
            if sum(array.nbytes for _, array in arrays) >= _CHUNK_BYTES or key == self.keys[-1]:
                yield _Arrays(store.kind, store.config, store.number, tuple(arrays))
                arrays = []


def parcels_of(plan: Plan) -> list[Parcel]:
    """List what a run's trials read: the corpus, its features, the weights to start from."""
    corpus = _corpus(plan)
    found: list[Parcel] = [corpus]
    for store in open_stores(plan):
        keys = dict.fromkeys(store.key(utterance) for utterance in plan.utterances.values())
        found.append(_Features(store, tuple(sorted(key for key in keys if key in store))))
    if plan.config.init:
        found.append(_bundle(Path(plan.config.init.rpartition("#")[0])))
    return found


def _corpus(plan: Plan) -> Parcel:
    """Take manifest, facts and continuous labels; the audio only where it is changed in training."""
    folder = plan.workspace.corpus(plan.config.corpus)
    heard = any(entry.stage == "samples" for entry, _ in plan.config.augmentations.values())
    names = ["manifest.jsonl", "corpus.json"]
    for utterance in plan.utterances.values():
        names += [utterance.trace] if utterance.trace else []
        names += [utterance.file] if heard else []
    # The manifest names the hash of all audio and of all labels.
    deciding = [plan.config.corpus, plan.manifest_sha256, _hash(folder / "corpus.json"), heard]
    place = f"corpora/{plan.config.corpus}"
    return _Files(place, digest(deciding, length=24), folder, tuple(dict.fromkeys(names)))


def _bundle(folder: Path) -> Parcel:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    hashes = [[name, _hash(folder / name)] for name in names]
    return _Files(INIT, digest(hashes, length=24), folder, tuple(names))


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def chunks(parcel: Parcel) -> Iterator[list[Piece]]:
    """Read a parcel, as much at once as is sent at once."""
    waiting: list[Piece] = []
    for piece in parcel.pieces():
        waiting.append(piece)
        if sum(each.size for each in waiting) >= _CHUNK_BYTES:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
