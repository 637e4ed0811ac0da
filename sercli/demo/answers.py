"""What the models say of a recording, as the page shows it; the recording goes afterwards."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sercli import files
from sercli.demo import rendering
from sercli.demo.folder import Uploads
from sercli.demo.limits import Limits, explain
from sercli.demo.loaded import Loaded
from sercli.demo.pictures import Picture, draw
from sercli.errors import SerError
from sercli.inference.prediction import Prediction
from sercli.plain.json import to_json
from sercli.records import Problem

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a model says of a recording.

    Attributes:
        loaded: the model.
        said: what it says.
        seconds: that it took.
        pictures: of it; none as long as they are being drawn.
    """

    loaded: Loaded
    said: Prediction
    seconds: float
    pictures: tuple[Picture, ...] | None = None

    @property
    def means(self) -> tuple[tuple[str, float], ...]:
        """Continuous labels by name, averaged over the recording."""
        if self.said.trace is None:
            return ()
        return tuple(zip(self.said.dimensions, self.said.trace.mean(axis=0).tolist(), strict=True))


class Listener:
    """Answers recordings, one at a time.

    Attributes:
        loaded: the models.
        uploads: which recordings are answered, and deleted then.
        limits: what is taken.
        keep: the folder that recordings are kept in with their answers; none are, if none.
        busy: held while a network is applied; hooks and thread counts bear one caller only.
        last: when a network was applied last, seconds of the monotonic clock.
    """

    def __init__(
        self, loaded: Sequence[Loaded], uploads: Uploads, limits: Limits, keep: Path | None = None
    ) -> None:
        self.loaded, self.uploads, self.limits, self.keep = tuple(loaded), uploads, limits, keep
        self.busy = threading.Lock()
        self.last = time.monotonic()

    def idle_s(self) -> float:
        """Say for how long nothing has been answered."""
        return 0.0 if self.busy.locked() else time.monotonic() - self.last

    @contextmanager
    def applying(self) -> Iterator[None]:
        """Wait for the networks, and hold them."""
        with self.busy:
            try:
                yield
            finally:
                self.last = time.monotonic()

    def answer(self, name: Path | str) -> Iterator[str]:
        """Yield that it is heard, the answers, then the answers with pictures; delete the recording."""
        path = Path(name)
        try:
            with self.uploads.taken(name) as path:
                yield rendering.waiting()
                self.limits.check(path)
                with self.applying():
                    answers = [self._apply(each, path) for each in self.loaded]
                kept = self._kept(path, answers)
                yield rendering.answers(answers, kept)
                with self.applying():  # never across a yield: nobody may come back to it
                    drawn = [
                        replace(each, pictures=tuple(draw(each.loaded.predictor, path, each.said)))
                        for each in answers
                    ]
            yield rendering.answers(drawn, kept)
        except SerError as error:
            yield rendering.refusal(explain(path, error))
        except OSError as error:  # a full disk, say
            _LOG.warning("%s: %s", error.filename or path, error.strerror)
            yield rendering.refusal(f"The server could not do it: {error.strerror}.")

    def _apply(self, loaded: Loaded, path: Path) -> Answer:
        begun = time.perf_counter()
        (said,) = loaded.predictor.predict([path])
        if isinstance(said, Problem):
            raise SerError(said.fact)
        return Answer(loaded, said, time.perf_counter() - begun)

    def _kept(self, path: Path, answers: Sequence[Answer]) -> bool:
        """Keep a recording with its answers, if that was asked for."""
        if self.keep is None:
            return False
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        with files.replacing_folder(self.keep / stamp) as folder:
            recording = folder / f"recording{path.suffix}"
            recording.write_bytes(path.read_bytes())
            told = [
                {"bundle": str(each.loaded.path)} | each.said.to_dict() | {"file": recording.name}
                for each in answers
            ]
            (folder / "answers.json").write_text(to_json(told, indent=2, escaped=False) + "\n", "utf-8")
        return True
