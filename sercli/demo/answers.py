"""Answer recordings with the models, as the page shows it; each recording is deleted afterwards."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sercli import files
from sercli.data.parts import LEAST_OF_GROUP
from sercli.demo import rendering
from sercli.demo.pictures import Picture, draw
from sercli.demo.spans import Download, Span, downloads, spans_of
from sercli.demo.uploads import Uploads
from sercli.errors import FeatureError, SerError
from sercli.inference.inputs import Inputs
from sercli.inference.predict import Turns
from sercli.inference.prediction import Prediction
from sercli.plain.json import to_json
from sercli.records import Problem
from sercli.voice import VoiceConfig
from sercli.web.limits import Limits, explain
from sercli.web.loaded import LoadedModel

_LOG = logging.getLogger(__name__)
_EXPLAIN_S = 3.0  # of computing for explanations by occlusion, of all models and visitors at the moment


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The answer of a model to a recording.

    Attributes:
        model: the model.
        prediction: its prediction; its file has the name that the visitor knows.
        seconds: time that it took.
        recording: name by which the visitor's browser finds the recording.
        pictures: pictures of the answer; ``None`` while they are being drawn.
    """

    model: LoadedModel
    prediction: Prediction
    seconds: float
    recording: str = ""
    pictures: tuple[Picture, ...] | None = None

    @property
    def means(self) -> tuple[tuple[str, float], ...]:
        """Dimensions by name, of the recording; continuous labels are averaged."""
        trace = self.prediction.trace
        means = self.prediction.values if trace is None else trace.mean(axis=0).tolist()
        return tuple(zip(self.prediction.dimensions, means, strict=True))

    @property
    def spans(self) -> tuple[Span, ...]:
        """Parts of the recording that can be played."""
        return spans_of(self.prediction)

    @property
    def downloads(self) -> tuple[Download, ...]:
        """The prediction as files."""
        return downloads(self.model, [self.prediction], self.prediction.file)


@dataclass(frozen=True, slots=True, eq=False)
class OneOfSeveral:
    """The answer to one of several recordings.

    Attributes:
        file: its name, as the visitor knows it.
        recording: name by which the visitor's browser finds it.
        said: the prediction, or why there is none.
    """

    file: str
    recording: str
    said: Prediction | str

    @property
    def spans(self) -> tuple[Span, ...]:
        """Parts of the recording that can be played."""
        return () if isinstance(self.said, str) else spans_of(self.said)


@dataclass(frozen=True, slots=True, eq=False)
class SeveralAnswers:
    """The answers of a model to several recordings of one person.

    Attributes:
        model: the model.
        answers: those to the recordings, in their order.
    """

    model: LoadedModel
    answers: tuple[OneOfSeveral, ...]

    @property
    def downloads(self) -> tuple[Download, ...]:
        """The predictions as files."""
        return downloads(
            self.model, [each.said for each in self.answers if isinstance(each.said, Prediction)]
        )


class Responder:
    """Answers recordings, one at a time.

    Attributes:
        models: the models.
        uploads: the recordings that are answered and then deleted.
        limits: limits on recordings.
        keep: folder that keeps recordings with their answers; ``None`` keeps none.
        busy: held while a network is applied, since hooks and thread counts allow one caller only.
        last: when a network was applied last, seconds of the monotonic clock.
    """

    def __init__(
        self, models: Sequence[LoadedModel], uploads: Uploads, limits: Limits, keep: Path | None = None
    ) -> None:
        self.models, self.uploads, self.limits, self.keep = tuple(models), uploads, limits, keep
        self.busy = threading.Lock()
        self._drawn: list[Path] = []  # recordings whose pictures are being drawn
        self._drawing = threading.Lock()  # held by the only one who draws, or waits to draw
        self._turn = threading.Lock()  # held by who is next, so that nobody takes `busy` twice in a row
        self.last = time.monotonic()

    def idle_s(self) -> float:
        """Return the seconds since a recording was last answered."""
        return 0.0 if self.busy.locked() else time.monotonic() - self.last

    @contextmanager
    def applying(self, wait_s: float = -1) -> Iterator[bool]:
        """Wait for the networks, and hold them; never across a yield of an answer, which may be the last.

        Args:
            wait_s: seconds to wait at most, twice; negative to wait as long as it takes.

        Yields:
            Whether they are held.
        """
        held = self._turn.acquire(timeout=wait_s)
        if held:
            held = self.busy.acquire(timeout=wait_s)
            self._turn.release()
        try:
            yield held
        finally:
            if held:
                self.last = time.monotonic()
                self.busy.release()

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Wait for the networks, and hold them, to draw pictures: only one of many who draw is next."""
        with self._drawing, self.applying():
            yield

    def answer(self, name: Path | str, *, spoken: bool = False) -> Iterator[str]:
        """Yield a note to wait, the answers, then the answers with pictures; delete the recording.

        Models that standardise per speaker or per corpus do not answer: they need several recordings.

        Args:
            name: the recording.
            spoken: whether only its spoken parts are answered, each by itself. Models of values by frame do
                not answer then.
        """
        path = Path(name)
        unable = {each.name: reason for each in self.models if (reason := _unable(each, spoken=spoken))}
        able = [each for each in self.models if each.name not in unable]
        turns = Inputs((path,), turns=VoiceConfig()).find_turns if spoken else None
        try:
            with self.uploads.taken(name) as path:
                yield rendering.waiting()
                self.limits.check(path)
                if not able:
                    raise SerError(". ".join(dict.fromkeys(unable.values())))
                with self.applying():
                    answers = [self._apply(each, path, name, turns) for each in able]
                kept = self._keep(path, answers)
                yield rendering.answers(answers, kept, unable)
                drawn = self._draw(path, answers)
            yield rendering.answers(drawn, kept, unable)
        except SerError as error:
            yield rendering.refusal(explain(path, error))
        except OSError as error:  # for example a full disk
            _LOG.warning("%s: %s", error.filename or path, error.strerror)
            yield rendering.refusal(f"The server failed: {error.strerror}.")

    def _draw(self, path: Path, answers: Sequence[Answer]) -> list[Answer]:
        """Add the pictures to answers to a recording."""
        self._drawn.append(path)
        try:
            seconds = _EXPLAIN_S / len(answers) / len(self._drawn)
            pictures = [
                draw(each.model.predictor, path, each.prediction, seconds, self.drawing) for each in answers
            ]
            return [replace(each, pictures=own) for each, own in zip(answers, pictures, strict=True)]
        finally:
            self._drawn.remove(path)

    def answer_several(self, names: Sequence[Path | str]) -> Iterator[str]:
        """Yield a note to wait, then the answers to recordings of one person; delete the recordings."""
        paths: list[Path] = []
        try:
            with ExitStack() as stack:
                paths += [stack.enter_context(self.uploads.taken(name)) for name in names]
                yield rendering.waiting()
                if len(paths) < LEAST_OF_GROUP:
                    raise SerError(rendering.NEEDS_SEVERAL)
                self.limits.check_several(paths)
                with self.applying():
                    found = [self._apply_several(each, paths, names) for each in self.models]
                for number, path in enumerate(paths):
                    self._keep_several(path, number, found)
            yield rendering.several(found, self.keep is not None)
        except SerError as error:
            path = next((each for each in paths if str(each) in str(error)), self.uploads.folder)
            yield rendering.refusal(explain(path, error))
        except OSError as error:  # for example a full disk
            _LOG.warning("%s: %s", error.filename, error.strerror)
            yield rendering.refusal(f"The server failed: {error.strerror}.")

    def _apply_several(
        self, model: LoadedModel, paths: Sequence[Path], names: Sequence[Path | str]
    ) -> SeveralAnswers:
        """Predict recordings, standardised by the values of all of them where the model needs this."""
        # A predictor of its own, so that the server keeps no values of a visitor.
        predictor = model.predictor.with_windows()
        speakers = None
        if predictor.needs_several:
            speakers = ["visitor"] * len(paths)
            try:
                predictor.enrol(zip(paths, speakers, strict=True))
            except FeatureError:
                raise SerError(rendering.NEEDS_SEVERAL) from None
        found = predictor.predict(paths, speakers)
        return SeveralAnswers(
            model,
            tuple(
                OneOfSeveral(
                    Path(name).name,
                    _recording(name),
                    explain(path, each.fact) if isinstance(each, Problem) else _named(each, name),
                )
                for name, path, each in zip(names, paths, found, strict=True)
            ),
        )

    def _keep_several(self, path: Path, number: int, found: Sequence[SeveralAnswers]) -> None:
        """Keep one of several recordings with its answers, if the server was started to do so."""
        answers = [(each.model, each.answers[number].said) for each in found]
        self._keep(path, [Answer(model, said, 0.0) for model, said in answers if not isinstance(said, str)])

    def _apply(self, model: LoadedModel, path: Path, name: Path | str, turns: Turns | None) -> Answer:
        begun = time.perf_counter()
        (prediction,) = model.predictor.predict([path], turns=turns)
        if isinstance(prediction, Problem):
            raise SerError(prediction.fact)
        return Answer(model, _named(prediction, name), time.perf_counter() - begun, _recording(name))

    def _keep(self, path: Path, answers: Sequence[Answer]) -> bool:
        """Keep a recording with its answers if the server was started to do so; return whether it was."""
        if self.keep is None:
            return False
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        with files.replacing_folder(self.keep / stamp) as folder:
            recording = folder / f"recording{path.suffix}"
            recording.write_bytes(path.read_bytes())
            written = [
                {"bundle": str(each.model.path)} | each.prediction.to_dict() | {"file": recording.name}
                for each in answers
            ]
            (folder / "answers.json").write_text(to_json(written, indent=2, escaped=False) + "\n", "utf-8")
        return True


def _unable(model: LoadedModel, *, spoken: bool) -> str | None:
    """Return why a model does not answer a single recording; ``None`` if it does."""
    if model.predictor.needs_several:
        return rendering.NEEDS_SEVERAL
    if spoken and model.predictor.bundle.outputs.per_frame:
        return rendering.NEEDS_COMPLETE
    return None


def _named(prediction: Prediction, name: Path | str) -> Prediction:
    """Give a prediction the file name that the visitor knows, in place of the path on the server."""
    return replace(prediction, file=Path(name).name)


def _recording(name: Path | str) -> str:
    """Return the folder of an upload, which no other upload has; the page's script keeps recordings by it."""
    return Path(name).parent.name
