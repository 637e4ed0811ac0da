"""Features on disk: computed once, packed, memory-mapped.

A store is a folder named by the kind of feature, its version and the digest of all its settings,
so that a changed setting or changed code can never be served stale. Within it features are found
by the hash of the audio they were made from: corpora that share audio share features. Arrays are
packed one behind another in shards; a line of ``index.jsonl`` names each one's place. Data is
written and flushed before its line, so what the index names is there; what it does not name (the
tail of an interrupted write) is overwritten by the next writer.
"""

import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock, Timeout

from sercli import files
from sercli.config import Config
from sercli.errors import FeatureError
from sercli.features import Array, get_feature

_SHARD_BYTES = 1 << 30
_ITEM = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an array lies: shard, byte offset, length in frames and checksum."""

    shard: int
    offset: int
    frames: int
    crc32: int


class FeatureStore:
    """The features of one kind and one choice of settings."""

    def __init__(self, root: Path, kind: str, config: Config) -> None:
        """Open (or lay out) the store of a kind of feature below ``root``.

        Raises:
            UnknownNameError: there is no such kind.
        """
        feature = get_feature(kind)
        self.kind, self.config, self.feature = kind, config, feature
        self.shape = feature.shape(config)
        self.path = root / f"{kind}-v{feature.version}-{config.digest}"
        self._maps: dict[int, np.memmap[tuple[int], np.dtype[np.uint8]]] = {}
        self._places = self._read_index()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._places

    def __getitem__(self, sha256: str) -> Array:
        """Return the features of the audio with that hash, (*shape, frames), read-only, not copied.

        Raises:
            FeatureError: there are none.
        """
        if sha256 not in self._places:
            raise FeatureError(f"{self.path}: no features of audio {sha256[:12]}; run the same command again")
        place = self._places[sha256]
        length = self._bytes(place.frames)
        if place.shard not in self._maps:
            self._maps[place.shard] = np.memmap(self._shard(place.shard), dtype=np.uint8, mode="r")
        packed = self._maps[place.shard][place.offset : place.offset + length]
        return packed.view(_ITEM).reshape(*self.shape, place.frames)

    def frames(self, sha256: str) -> int:
        """Return how many frames the features of that audio have."""
        return self._places[sha256].frames

    def verify(self) -> list[str]:
        """List the hashes whose stored features do not match their checksum."""
        return [h for h, place in self._places.items() if zlib.crc32(self[h].tobytes()) != place.crc32]

    @contextmanager
    def writing(self) -> Iterator["Writer"]:
        """Give the one writer that a store can have.

        Raises:
            FeatureError: another process is writing.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.path / ".lock", timeout=0):
                if not (self.path / "feature.json").exists():
                    description = {
                        "kind": self.kind,
                        "version": self.feature.version,
                        "config": self.config.to_dict(),
                        "axes": self.feature.axes,
                        "dtype": "float32",
                    }
                    files.write_json(self.path / "feature.json", description)
                writer = Writer(self)
                try:
                    yield writer
                finally:
                    writer.close()
        except Timeout:
            raise FeatureError(
                f"{self.path}: another process is writing these features; wait for it"
            ) from None
        except OSError as error:
            files.name_place(error, self.path)
            raise

    def _shard(self, number: int) -> Path:
        return self.path / f"{number:05d}.bin"

    def _bytes(self, frames: int) -> int:
        return prod(self.shape) * frames * _ITEM.itemsize

    def _read_index(self) -> dict[str, Place]:
        """Read the places of whole arrays; a line cut short, or one beyond its shard's end, is left out."""
        places: dict[str, Place] = {}
        path = self.path / "index.jsonl"
        if not path.exists():
            return places
        sizes: dict[int, int] = {}
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
            if not line.endswith("\n"):
                break
            try:
                sha256, *numbers = json.loads(line)
                place = Place(*numbers)
            except (ValueError, TypeError):  # damaged: what it named is computed again
                continue
            if place.shard not in sizes:
                shard = self._shard(place.shard)
                sizes[place.shard] = shard.stat().st_size if shard.exists() else 0
            if place.offset + self._bytes(place.frames) <= sizes[place.shard]:
                places[sha256] = place
        return places


class Writer:
    """Appends features to a store; made by `FeatureStore.writing`."""

    def __init__(self, store: FeatureStore) -> None:
        self._store = store
        self._store._places = store._read_index()
        self._pending: list[tuple[str, Place]] = []
        self._index = self._open_index()
        ends = {0: 0}
        for place in store._places.values():
            end = place.offset + store._bytes(place.frames)
            ends[place.shard] = max(ends.get(place.shard, 0), end)
        self._number = max(ends)
        self._data = self._open_shard(ends[self._number])

    def append(self, sha256: str, features: Array) -> None:
        """Add the features of the audio with that hash, (*shape, frames).

        Raises:
            FeatureError: they have another shape, or hold values that are no numbers.
        """
        store = self._store
        if sha256 in store:
            return
        if features.shape[:-1] != store.shape or not np.isfinite(features).all():
            raise FeatureError(f"{store.path.name}: bad features for audio {sha256[:12]}: {features.shape}")
        packed = np.ascontiguousarray(features, dtype=_ITEM).tobytes()
        if self._data.tell() and self._data.tell() + len(packed) > _SHARD_BYTES:
            self.flush()
            self._data.close()
            self._number += 1
            self._data = self._open_shard(0)
        place = Place(self._number, self._data.tell(), features.shape[-1], zlib.crc32(packed))
        self._data.write(packed)
        self._pending.append((sha256, place))
        if len(self._pending) >= 256:
            self.flush()

    def flush(self) -> None:
        """Bring everything appended so far to the disk and name it in the index."""
        self._data.flush()
        os.fsync(self._data.fileno())
        for sha256, place in self._pending:
            line = json.dumps([sha256, place.shard, place.offset, place.frames, place.crc32])
            self._index.write(line.encode() + b"\n")
        self._index.flush()
        self._store._places.update(self._pending)
        self._store._maps.pop(self._number, None)
        self._pending.clear()

    def close(self) -> None:
        """Flush and close."""
        try:
            self.flush()
        finally:
            self._data.close()
            self._index.close()

    def _open_index(self) -> BinaryIO:
        path = self._store.path / "index.jsonl"
        content = path.read_bytes() if path.exists() else b""
        file = path.open("ab")
        file.truncate(content.rfind(b"\n") + 1)
        return file

    def _open_shard(self, end: int) -> BinaryIO:
        path = self._store._shard(self._number)
        file = path.open("r+b" if path.exists() else "w+b")
        file.truncate(end)
        file.seek(end)
        return file
