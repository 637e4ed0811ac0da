"""Bring a corpus's audio to 16 kHz mono, on all cores, going on where an earlier attempt stopped."""

import hashlib
import json
import os
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sercli import audio, files
from sercli.errors import AudioError
from sercli.records import Problem, Utterance

_JOURNAL = ".journal.jsonl"
# Raised when the same file would become other audio.
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells without reading it that a file is the one seen before."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> "Stamp":
        """Take the stamp of a file."""
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Converted:
    """A prepared audio file.

    Attributes:
        file: where it lies, relative to the prepared corpus.
        sha256: hash of its samples.
        duration: seconds.
        source_sha256: hash of the bytes of the file it was made from.
        resampled: whether its samples differ from the source's.
        reused: whether it was there already.
    """

    file: str
    sha256: str
    duration: float
    source_sha256: str
    resampled: bool
    reused: bool = False

    def apply(self, utterance: Utterance) -> Utterance:
        """Return the utterance with what is now known of its audio."""
        return replace(
            utterance,
            file=self.file,
            source=utterance.file,
            source_sha256=self.source_sha256,
            sha256=self.sha256,
            duration=self.duration,
            sample_rate=audio.SAMPLE_RATE,
        )


class Conversion:
    """The conversion of one corpus's audio, with a journal of what is done."""

    def __init__(self, root: Path, target: Path) -> None:
        """Convert files below ``root`` into ``target/audio``."""
        self.root, self.target = root, target
        self._done = _read_journal(target / _JOURNAL)

    def run(
        self, utterances: Sequence[Utterance]
    ) -> Generator[tuple[Utterance, Converted | Problem], None, None]:
        """Convert the utterances' files; yield each with its outcome, in the order given."""
        with (
            (self.target / _JOURNAL).open("a", encoding="utf-8") as journal,
            ThreadPoolExecutor(os.cpu_count()) as pool,
        ):
            journal.write("\n")  # an earlier attempt may have been cut off within a line
            try:
                for utterance, (outcome, entry) in zip(
                    utterances, pool.map(self._convert, utterances), strict=True
                ):
                    if entry is not None:
                        journal.write(json.dumps(entry) + "\n")
                    yield utterance, outcome
            finally:
                # Without this an interrupt would wait for everything that is still in the queue.
                pool.shutdown(wait=True, cancel_futures=True)

    def _convert(self, utterance: Utterance) -> tuple[Converted | Problem, dict[str, Any] | None]:
        source = self.root / utterance.file
        try:
            stamp = Stamp.of(source)
            known = self._done.get(utterance.file)
            if known is not None and self._still_valid(known, stamp):
                return Converted(**known["converted"], reused=True), None
            content = source.read_bytes()
            samples, header = audio.decode(source)
        except AudioError as error:
            return Problem(utterance.file, str(error).removeprefix(f"{source}: ")), None
        except OSError as error:
            return Problem(utterance.file, f"can't be read ({error.strerror})"), None
        converted = self._write(content, samples, header, utterance.id.partition("/")[2], source.suffix)
        entry = {
            "version": _VERSION,
            "source": utterance.file,
            "stamp": asdict(stamp),
            "target_stamp": asdict(Stamp.of(self.target / converted.file)),
            "converted": {name: value for name, value in asdict(converted).items() if name != "reused"},
        }
        return converted, entry

    def _write(
        self, content: bytes, samples: audio.Samples, header: audio.AudioFile, name: str, suffix: str
    ) -> Converted:
        as_it_is = header.channels == 1 and header.sample_rate == audio.SAMPLE_RATE
        file = f"audio/{name}{suffix.lower() if as_it_is else '.wav'}"
        with files.replacing(self.target / file) as temporary:
            if as_it_is:
                temporary.write_bytes(content)
            else:
                resampled = audio.resample(samples, header.sample_rate, audio.SAMPLE_RATE)
                samples = audio.write_pcm16(temporary, resampled, audio.SAMPLE_RATE)
        return Converted(
            file=file,
            sha256=audio.hash_samples(samples),
            duration=round(len(samples) / audio.SAMPLE_RATE, 6),
            source_sha256=hashlib.sha256(content).hexdigest(),
            resampled=not as_it_is,
        )

    def _still_valid(self, known: dict[str, Any], stamp: Stamp) -> bool:
        target = self.target / known["converted"]["file"]
        with suppress(FileNotFoundError):
            return bool(known["stamp"] == asdict(stamp) and known["target_stamp"] == asdict(Stamp.of(target)))
        return False


def _read_journal(path: Path) -> dict[str, dict[str, Any]]:
    """Read the journal, latest entry by source file; a line cut short by a crash is passed over."""
    done: dict[str, dict[str, Any]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, TypeError, KeyError):
                entry = json.loads(line)
                if entry["version"] == _VERSION:
                    done[entry["source"]] = entry
    return done
