"""Write to a feature store: only by appending, data before its line in the index."""

import os
import time
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from sercli import files
from sercli.errors import FeatureError
from sercli.features import Array
from sercli.plain.json import to_json
from sercli.store import FeatureStore, Place

_SHARD_BYTES = 1 << 30
_FLUSH_EVERY = 256
_FLUSH_SECONDS = 5.0


class Writer:
    """Appends features to a store; made by `FeatureStore.writing`."""

    def __init__(self, store: FeatureStore) -> None:
        self._store = store
        self._pending: dict[str, Place] = {}
        self._flushed = time.monotonic()
        places = store.reload()
        if store.lost or store.unreadable:
            # A line whose bytes are lost would become valid again once other bytes are written there.
            self._write_index(places)
        self._index = self._open_index()
        ends = {0: 0}
        for place in places.values():
            end = place.offset + store.count_bytes(place.frames)
            ends[place.shard] = max(ends.get(place.shard, 0), end)
        self._number = max(ends)
        self._data = self._open_shard(ends[self._number])

    def append(self, sha256: str, features: Array) -> None:
        """Add the features of the audio with that hash, (*shape, frames).

        Raises:
            FeatureError: they have another shape or no frames, or hold values that are not finite (or, in
                half precision, too large ones).
        """
        store = self._store
        if sha256 in store or sha256 in self._pending:
            return
        with np.errstate(over="ignore"):
            kept = np.ascontiguousarray(features, dtype=store.item)
        if fault := self._find_fault(features, kept):
            raise FeatureError(f"{store.path.name}: bad features for audio {sha256[:12]}: {fault}")
        packed = kept.data
        if self._data.tell() and self._data.tell() + kept.nbytes > _SHARD_BYTES:
            self.flush()
            self._data.close()
            self._number += 1
            self._data = self._open_shard(0)
        place = Place(self._number, self._data.tell(), kept.shape[-1], zlib.crc32(packed))
        self._data.write(packed)
        self._pending[sha256] = place
        if len(self._pending) >= _FLUSH_EVERY or time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def _find_fault(self, features: Array, kept: "np.ndarray[Any, np.dtype[Any]]") -> str | None:
        """Describe why features, as the store would keep them, can't be used; None if they can."""
        kind, remedy = self._store.kind, "correct 'extract' in the file of the feature"
        if kept.shape[:-1] != self._store.shape or not kept.size:
            wanted = ", ".join(map(str, (*self._store.shape, "frames")))
            return (
                f"'{kind}' gave the shape {kept.shape}, needed is ({wanted}) with a frame or more; {remedy}"
            )
        if np.isfinite(kept).all():
            return None
        if not np.isfinite(features).all():
            return f"'{kind}' gave NaN or infinity; {remedy}"
        return f"'{kind}' gave values above {np.finfo(kept.dtype).max:g}; store them as float32"

    def drop(self, hashes: list[str]) -> None:
        """Remove features from the index; their bytes stay until the store is removed."""
        self.flush()
        self._index.close()
        gone = set(hashes)
        places = self._store.reload()
        self._write_index({sha256: place for sha256, place in places.items() if sha256 not in gone})
        self._index = self._open_index()

    def flush(self) -> None:
        """Write everything appended so far to the disk, then add it to the index."""
        self._data.flush()
        os.fsync(self._data.fileno())
        for sha256, place in self._pending.items():
            self._index.write(_line(sha256, place).encode())
        self._index.flush()
        self._store.learn(self._pending)
        self._pending.clear()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Flush and close."""
        try:
            self.flush()
        finally:
            self._data.close()
            self._index.close()

    def _write_index(self, places: Mapping[str, Place]) -> None:
        lines = [_line(sha256, place) for sha256, place in places.items()]
        files.write_text(self._store.path / "index.jsonl", "".join(lines))
        self._store.reload()

    def _open_index(self) -> BinaryIO:
        path = self._store.path / "index.jsonl"
        content = path.read_bytes() if path.exists() else b""
        file = path.open("ab")
        file.truncate(content.rfind(b"\n") + 1)
        return file

    def _open_shard(self, end: int) -> BinaryIO:
        path = self._store.shard(self._number)
        file = path.open("r+b" if path.exists() else "w+b")
        file.truncate(end)
        file.seek(end)
        return file


def _line(sha256: str, place: Place) -> str:
    return to_json([sha256, place.shard, place.offset, place.frames, place.crc32]) + "\n"
