"""Features on disk: computed once, packed, memory-mapped.

A store is a folder named by the kind of feature, its version and the digest of all its settings,
so that a changed setting or changed code can never be served stale. Within it features are found
by the hash of the audio they were made from: corpora that share audio share features. Arrays are
packed one behind another in shards; a line of ``index.jsonl`` names each one's place. Data is
written and flushed before its line, so what the index names is there; what it does not name (the
tail of an interrupted write) is overwritten by the next writer.
"""

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from filelock import FileLock, Timeout

from sercli import files
from sercli.config import Config
from sercli.errors import FeatureError
from sercli.features import Array, get_feature

if TYPE_CHECKING:
    from sercli.store.writer import Writer

Number = Literal["float32", "float16"]
_ITEMS: dict[Number, "np.dtype[Any]"] = {"float32": np.dtype("<f4"), "float16": np.dtype("<f2")}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an array lies: shard, byte offset, length in frames and checksum."""

    shard: int
    offset: int
    frames: int
    crc32: int


class FeatureStore:
    """The features of one kind and one choice of settings."""

    def __init__(self, root: Path, kind: str, config: Config, number: Number = "float32") -> None:
        """Open (or lay out) the store of a kind of feature below ``root``.

        Args:
            root: folder of the stores.
            kind: kind of feature.
            config: its settings.
            number: in which format values are kept; half precision takes half the disk, and 11 bits.

        Raises:
            UnknownNameError: there is no such kind.
        """
        feature = get_feature(kind)
        self.kind, self.config, self.feature, self.number = kind, config, feature, number
        self.shape = feature.shape(config)
        half = "-float16" if number == "float16" else ""
        self.path = root / f"{kind}-v{feature.version}-{config.digest}{half}"
        self.item = _ITEMS[number]
        self._maps: dict[int, np.memmap[tuple[int], np.dtype[np.uint8]]] = {}
        self._places = self.read_index()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._places

    def __getitem__(self, sha256: str) -> Array:
        """Return the features of the audio with that hash, (*shape, frames), float32, read-only.

        Not copied, unless they are kept in half precision.

        Raises:
            FeatureError: there are none.
        """
        if sha256 not in self._places:
            raise FeatureError(f"{self.path}: no features of audio {sha256[:12]}; run the same command again")
        place = self._places[sha256]
        length = self.count_bytes(place.frames)
        if place.shard not in self._maps:
            self._maps[place.shard] = np.memmap(self.shard(place.shard), dtype=np.uint8, mode="r")
        packed = self._maps[place.shard][place.offset : place.offset + length]
        array: Array = packed.view(self.item).reshape(*self.shape, place.frames)
        return array.astype(np.float32, copy=False)

    def frames(self, sha256: str) -> int:
        """Return how many frames the features of that audio have."""
        return self._places[sha256].frames

    @property
    def hashes(self) -> list[str]:
        """Hashes of the audio whose features are there."""
        return list(self._places)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.path.glob("*") if path.is_file())

    def damaged(self) -> list[str]:
        """List the hashes whose stored features do not match their checksum."""
        found = []
        for sha256, place in self._places.items():
            with self.shard(place.shard).open("rb") as file:
                file.seek(place.offset)
                if zlib.crc32(file.read(self.count_bytes(place.frames))) != place.crc32:
                    found.append(sha256)
        return found

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
                        "number": self.number,
                    }
                    files.write_json(self.path / "feature.json", description)
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
        except OSError as error:
            files.name_place(error, self.path)
            raise

    def shard(self, number: int) -> Path:
        """Return the file of a shard."""
        return self.path / f"{number:05d}.bin"

    def count_bytes(self, frames: int) -> int:
        """Return how many bytes so many frames take."""
        return prod(self.shape) * frames * int(self.item.itemsize)

    def learn(self, places: dict[str, Place]) -> None:
        """Take note of what a writer has written."""
        self._places.update(places)
        for shard in {place.shard for place in places.values()}:
            self._maps.pop(shard, None)

    def reload(self) -> dict[str, Place]:
        """Read the index anew, another process may have written; return it."""
        self._places = self.read_index()
        self._maps.clear()
        return self._places

    def read_index(self) -> dict[str, Place]:
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
                shard = self.shard(place.shard)
                sizes[place.shard] = shard.stat().st_size if shard.exists() else 0
            if place.offset + self.count_bytes(place.frames) <= sizes[place.shard]:
                places[sha256] = place
        return places
