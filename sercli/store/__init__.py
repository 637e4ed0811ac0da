"""Store features on disk: computed once, packed, memory-mapped.

A store is a folder. Its name has the kind of feature, the version and the digest of all settings, and of the
code of a plug-in, so that features of other settings or of older code are never used by mistake. The key of
features is the hash of the audio that they were computed from, so corpora that share audio share features.
Arrays are packed one after another in shards; a line of ``index.jsonl`` names the place of each. Data are
written and flushed before their line, so that everything in the index exists. Data that are not in the
index (the end of an interrupted write) are overwritten by the next writer.
"""

import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from filelock import FileLock, Timeout

from sercli import files, registry
from sercli.config import digest
from sercli.errors import FeatureError
from sercli.features import Array, FeatureConfig, get_feature
from sercli.plain.json import from_json
from sercli.records import Utterance

if TYPE_CHECKING:
    from sercli.store.writer import Writer

Number = Literal["float32", "float16"]
# No number of an index is larger; a larger one is damaged.
_LIMIT = 1 << 48
_ITEMS: dict[Number, "np.dtype[Any]"] = {"float32": np.dtype("<f4"), "float16": np.dtype("<f2")}


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an array: shard, byte offset, length in frames and checksum."""

    shard: int
    offset: int
    frames: int
    crc32: int


class FeatureStore:
    """The features of one kind and one choice of settings."""

    def __init__(self, root: Path, kind: str, config: FeatureConfig, number: Number = "float32") -> None:
        """Open the store of a kind of feature below ``root``, which need not exist yet.

        Args:
            root: folder of the stores.
            kind: kind of feature.
            config: settings of the kind.
            number: format of the stored values; half precision needs half the disk, and keeps 11 bits.

        Raises:
            UnknownNameError: there is no such kind.
        """
        feature, config = get_feature(kind), config.pinned()
        self.kind, self.config, self.feature, self.number = kind, config, feature, number
        self.shape = feature.shape(config)
        half = "-float16" if number == "float16" else ""
        code = registry.code_digests([("features", kind)])
        decided = digest([config.deciding(), code]) if code else config.digest
        self.path = root / f"{kind}-v{feature.version}-{decided}{half}"
        self.item = _ITEMS[number]
        self._maps: dict[int, np.memmap[tuple[int], np.dtype[np.uint8]]] = {}
        self.lost: frozenset[str] = frozenset()
        """Hashes that are in the index, but whose bytes are missing: a shard was cut short."""
        self.unreadable = 0
        """Lines of the index that can't be read."""
        self._places = self.read_index()

    def __len__(self) -> int:
        return len(self._places)

    def key(self, utterance: Utterance) -> str:
        """Return the hash under which an utterance's features are stored.

        It is the hash of the prepared audio; for kinds that read the recording as distributed, the hash of
        the recording and the cut.
        """
        if self.config.original_rate is None:
            return utterance.sha256
        return digest([utterance.source_sha256, utterance.start, utterance.end], length=64)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._places

    def __getitem__(self, sha256: str) -> Array:
        """Return the features of the audio with that hash, (*shape, frames), float32, read-only.

        They are not copied, unless they are stored in half precision.

        Raises:
            FeatureError: there are none.
        """
        place = self._place(sha256)
        length = self.count_bytes(place.frames)
        if place.shard not in self._maps:
            self._maps[place.shard] = np.memmap(self.shard(place.shard), dtype=np.uint8, mode="r")
        packed = self._maps[place.shard][place.offset : place.offset + length]
        array: Array = packed.view(self.item).reshape(*self.shape, place.frames)
        return array.astype(np.float32, copy=False)

    def frames(self, sha256: str) -> int:
        """Return how many frames the features of that audio have.

        Raises:
            FeatureError: there are none.
        """
        return self._place(sha256).frames

    @property
    def hashes(self) -> list[str]:
        """Hashes of the audio whose features are stored."""
        return list(self._places)

    def damaged(self) -> list[str]:
        """List the hashes whose stored features are missing, or do not match their checksum."""
        found = sorted(self.lost)
        for sha256, place in self._places.items():
            with self.shard(place.shard).open("rb") as file:
                file.seek(place.offset)
                if zlib.crc32(file.read(self.count_bytes(place.frames))) != place.crc32:
                    found.append(sha256)
        return found

    @contextmanager
    def writing(self, waiting: Callable[[], None] | None = None) -> Iterator["Writer"]:
        """Open the one writer that a store can have, which knows what others wrote before it.

        Args:
            waiting: called once before waiting for another process that is writing; without it, an error is
                raised in that case.

        Raises:
            FeatureError: another process is writing.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with files.naming(self.path), ExitStack() as stack:
                lock = FileLock(self.path / ".lock")
                try:
                    stack.enter_context(lock.acquire(timeout=0))
                except Timeout:
                    if waiting is None:
                        raise
                    waiting()
                    stack.enter_context(lock.acquire())
                files.sweep(self.path)
                self._describe()
                from sercli.store.writer import Writer

                writer = Writer(self)
                try:
                    yield writer
                finally:
                    writer.close()
        except Timeout:
            raise FeatureError(
                f"{self.path}: another process is writing these features; wait for it"
            ) from None

    def shard(self, number: int) -> Path:
        """Return the file of a shard."""
        return self.path / f"{number:05d}.bin"

    def count_bytes(self, frames: int) -> int:
        """Return the number of bytes of a number of frames."""
        return prod(self.shape) * frames * int(self.item.itemsize)

    def learn(self, places: dict[str, Place]) -> None:
        """Add the places of arrays that a writer has written."""
        self._places.update(places)
        for shard in {place.shard for place in places.values()}:
            self._maps.pop(shard, None)

    def reload(self) -> dict[str, Place]:
        """Read the index again, because another process may have written to it; return it."""
        self._places = self.read_index()
        self._maps.clear()
        return self._places

    def read_index(self) -> dict[str, Place]:
        """Read the places of complete arrays, the last line for each audio, and list the lost arrays."""
        places: dict[str, Place] = {}
        lost: set[str] = set()
        self.unreadable = 0
        path = self.path / "index.jsonl"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []  # the last may be cut short
        sizes: dict[int, int] = {}
        for line in lines:
            named = _read_line(line)
            if named is None:
                self.unreadable += 1
                continue
            sha256, place = named
            if place.shard not in sizes:
                shard = self.shard(place.shard)
                sizes[place.shard] = shard.stat().st_size if shard.exists() else 0
            whole = place.offset + self.count_bytes(place.frames) <= sizes[place.shard]
            places.pop(sha256, None)
            lost.discard(sha256)
            if whole:
                places[sha256] = place
            else:
                lost.add(sha256)
        self.lost = frozenset(lost)
        return places

    def _place(self, sha256: str) -> Place:
        if sha256 not in self._places:
            raise FeatureError(f"{self.path}: no features of audio {sha256[:12]}; run the same command again")
        return self._places[sha256]

    def _describe(self) -> None:
        """Write a description of the store into its folder, unless it is there and correct."""
        path = self.path / "feature.json"
        description = {
            "kind": self.kind,
            "version": self.feature.version,
            "config": self.config.to_dict(),
            "axes": list(self.feature.axes),
            "number": self.number,
        }
        text = path.read_bytes() if path.exists() else b""
        try:
            right = from_json(text) == description
        except ValueError:
            right = False
        if not right:
            files.write_json(path, description)


def _read_line(line: bytes) -> tuple[str, Place] | None:
    """Read a line of the index; ``None`` if it is damaged."""
    try:
        sha256, *numbers = from_json(line)
        place = Place(*numbers)
    except (ValueError, TypeError):
        return None
    right = all(type(number) is int and 0 <= number < _LIMIT for number in numbers) and place.frames > 0
    return (sha256, place) if right and isinstance(sha256, str) else None
