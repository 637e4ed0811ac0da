"""Convert a corpus's audio to 16 kHz mono on all cores, and resume where an earlier attempt stopped."""

import hashlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from sercli import audio, files
from sercli.errors import AudioError
from sercli.files import Stamp
from sercli.plain.json import from_json, to_json
from sercli.processor import can_fork, shared_out
from sercli.records import Problem, Utterance

_JOURNAL = ".journal.jsonl"
# Increased when the same file would give different audio.
_VERSION = 3


@dataclass(frozen=True, slots=True)
class Converted:
    """A prepared audio file.

    Attributes:
        file: path relative to the prepared corpus.
        sha256: hash of the samples.
        duration: length in seconds.
        source_sha256: hash of the bytes of the original file.
        resampled: whether the file was resampled, mixed down to mono, or decoded by ffmpeg.
        note: description of the scaling to full scale; empty if the file was not scaled.
        reused: whether an earlier preparation had made the file.
    """

    file: str
    sha256: str
    duration: float
    source_sha256: str
    resampled: bool
    note: str = ""
    reused: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it for the journal."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "reused"}

    def apply(self, utterance: Utterance) -> Utterance:
        """Return the utterance with the facts about its audio.

        A list of an earlier preparation itself states the recording that an utterance was made from.
        """
        return replace(
            utterance,
            file=self.file,
            source=utterance.source or utterance.file,
            source_sha256=utterance.source_sha256 or self.source_sha256,
            sha256=self.sha256,
            duration=self.duration,
            sample_rate=audio.SAMPLE_RATE,
        )


@contextmanager
def replacing(target: Path, file: str) -> Iterator[Path]:
    """Write a file of a prepared corpus, as `sercli.files.replacing` does.

    Before a file is replaced, an earlier manifest is removed: it would describe audio that no longer exists.
    """
    with files.replacing(target / file) as temporary:
        yield temporary
        if (target / file).exists():
            (target / "manifest.jsonl").unlink(missing_ok=True)


# Utterances that a core converts at once: passing them on costs as much as copying a small file.
_GROUP = 8

_Outcome = tuple[Converted | Problem, dict[str, Any] | None]


class Conversion:
    """The conversion of one corpus's audio, with a journal of finished files."""

    def __init__(self, root: Path, target: Path, *, cuts: bool = False) -> None:
        """Convert files below ``root`` into ``target/audio``.

        Args:
            root: folder that the utterances' files are relative to.
            target: folder of the prepared corpus.
            cuts: whether utterances are cut out of their files, from ``start`` to ``end``; those that
                name a ``source`` have already been cut.
        """
        self.root, self.target, self.cuts = root, target, cuts
        self._hashes: dict[tuple[str, Stamp], str] = {}
        self._done = _read_journal(target / _JOURNAL)

    def run(
        self, utterances: Sequence[Utterance]
    ) -> Generator[tuple[Utterance, Converted | Problem], None, None]:
        """Convert the utterances' files, and yield each with its result, in the given order."""
        with (self.target / _JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write("\n")  # an earlier attempt may have been cut off within a line
            with closing(self._outcomes(utterances)) as outcomes:
                for utterance, (outcome, entry) in zip(utterances, outcomes, strict=True):
                    if entry is not None:
                        journal.write(to_json(entry) + "\n")
                    yield utterance, outcome

    def _outcomes(self, utterances: Sequence[Utterance]) -> Generator[_Outcome, None, None]:
        if not can_fork() and all(self._is_copied(utterance) for utterance in utterances[:3]):
            # A copy has many small steps, between which threads would only wait for each other.
            yield from map(self._convert, utterances)
            return
        groups = (utterances[first : first + _GROUP] for first in range(0, len(utterances), _GROUP))
        with shared_out(self._convert_group, groups) as results:
            for outcomes in results:
                yield from outcomes

    def _convert_group(self, utterances: Sequence[Utterance]) -> list[_Outcome]:
        return [self._convert(utterance) for utterance in utterances]

    def _is_copied(self, utterance: Utterance) -> bool:
        """Return whether a file will be copied unchanged, by its header."""
        try:
            return not self._cut(utterance) and audio.is_prepared(self.root / utterance.file)
        except AudioError:
            return True

    def _cut(self, utterance: Utterance) -> bool:
        return self.cuts and utterance.source is None

    def _convert(self, utterance: Utterance) -> _Outcome:
        source = self.root / utterance.file
        start, end = (utterance.start, utterance.end) if self._cut(utterance) else (None, None)
        try:
            if source.exists() and not source.is_file():
                return Problem(utterance.file, "not a file"), None
            stamp = Stamp.of(source)
            made_from = {"source": utterance.file, "stamp": stamp.to_list(), "start": start, "end": end}
            known = _parse_entry(self._done.get(utterance.id, ""))
            if known is not None and known["from"] == made_from and self._is_there(known):
                return Converted(**known["converted"], reused=True), None
            content = source.read_bytes() if start is None and end is None else None
            samples, header = audio.decode(source, start, end, content)
            if nothing := audio.nothing_in(samples, header):
                return Problem(utterance.file, nothing), None
            file_hash = self._hash(source, stamp, content)
        except AudioError as error:
            return Problem(utterance.file, str(error).removeprefix(f"{source}: ")), None
        except OSError as error:
            return Problem(utterance.file, f"can't be read ({error.strerror})"), None
        name = utterance.id.partition("/")[2]
        converted = self._write(content, samples, header, name, source.suffix, file_hash)
        entry = {
            "version": _VERSION,
            "id": utterance.id,
            "from": made_from,
            "target_stamp": Stamp.of(self.target / converted.file).to_list(),
            "converted": converted.to_dict(),
        }
        return converted, entry

    def _hash(self, source: Path, stamp: Stamp, content: bytes | None) -> str:
        """Hash a file's bytes, once for all utterances that are cut out of it."""
        if content is not None:
            return hashlib.sha256(content).hexdigest()
        key = (str(source), stamp)
        if key not in self._hashes:
            with source.open("rb") as file:
                self._hashes[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._hashes[key]

    def _write(
        self,
        content: bytes | None,
        samples: audio.Samples,
        header: audio.AudioFile,
        name: str,
        suffix: str,
        source_sha256: str,
    ) -> Converted:
        fits = header.channels == 1 and header.sample_rate == audio.SAMPLE_RATE
        fits = fits and not (header.note or header.foreign)
        as_it_is = content is not None and fits
        file = f"audio/{name}{suffix.lower() if as_it_is else '.wav'}"
        with replacing(self.target, file) as temporary:
            if content is not None and as_it_is:
                temporary.write_bytes(content)
            else:
                resampled = audio.resample(samples, header.sample_rate, audio.SAMPLE_RATE)
                samples = audio.write_pcm16(temporary, resampled, audio.SAMPLE_RATE)
        return Converted(
            file=file,
            sha256=audio.hash_samples(samples),
            duration=round(len(samples) / audio.SAMPLE_RATE, 6),
            source_sha256=source_sha256,
            resampled=header.channels > 1 or header.sample_rate != audio.SAMPLE_RATE or header.foreign,
            note=header.note,
        )

    def _is_there(self, known: dict[str, Any]) -> bool:
        target = self.target / known["converted"]["file"]
        with suppress(FileNotFoundError):
            return bool(known["target_stamp"] == Stamp.of(target).to_list())
        return False


def _read_journal(path: Path) -> dict[str, str]:
    """Read the latest line of the journal of each utterance; an incomplete line after a crash is ignored.

    Lines are kept as text, which needs a fraction of the memory of their values.
    """
    done: dict[str, str] = {}
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                entry = _parse_entry(line)
                if entry is not None:
                    done[entry["id"]] = line
    return done


def _parse_entry(line: str) -> dict[str, Any] | None:
    """Return an entry of the journal; ``None`` for a line of another version, or that is not complete."""
    with suppress(ValueError, TypeError, KeyError):
        entry: dict[str, Any] = from_json(line)
        if entry["version"] == _VERSION and entry["id"]:
            return entry
    return None
