"""The page in Gradio 6."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import fastapi
import gradio as gr
from gradio import processing_utils, route_utils

from sercli.demo import rendering
from sercli.demo.answers import Responder
from sercli.demo.live import Live, read_chunk
from sercli.demo.requests import MOST_FILES, Kind
from sercli.demo.uploads import Uploads
from sercli.errors import AudioError, ConfigError
from sercli.web.limits import explain
from sercli.web.loaded import intended_use

# Only fonts of the visitor's own system, so that none is fetched from elsewhere.
_FONT, _MONO = ["system-ui", "sans-serif"], ["ui-monospace", "monospace"]
_SPEAKERS = 8  # live at once
_RECORDINGS = 16  # at once: they wait for the networks, but each has a path of its own then
_WAITING = 96  # recordings behind them
_PAGES = 128  # open at once; with more, the live session of the oldest begins again
_KINDS: Mapping[type, Kind] = {
    gr.Audio: "recording",
    gr.File: "recording",
    gr.Checkbox: "switch",
    gr.State: "state",
}
_SPOKEN = "Answer only the spoken parts of the next recording, each by itself; silence is given no emotion"


@contextmanager
def patched_gradio(uploads: Uploads) -> Iterator[None]:
    """Replace the parts of Gradio that have no option, and put them back at the end.

    Raises:
        ConfigError: this release of Gradio lacks one of the parts.
    """
    with (
        # Without this, two visitors who send the same file share it, and the first answer deletes it.
        _replaced(route_utils, "GradioUploadFile", _Upload),
        # Without this, a mounted page accepts any file of the server as an upload.
        _replaced(processing_utils, "_check_allowed", partial(_check_upload, uploads)),
    ):
        yield


def build_app(responder: Responder) -> tuple[fastapi.FastAPI, dict[int, tuple[Kind, ...]]]:
    """Build the page; call it, and serve the page, within `patched_gradio`.

    Returns:
        The application, and the inputs of each function of the page, by the function's number.

    Raises:
        ConfigError: this release of Gradio lacks something that the page needs to be safe.
    """
    with gr.Blocks(title="sercli demo", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(rendering.head(responder.models, responder.limits, responder.keep is not None))
        with gr.Tab("Record"):
            _add_recording(responder, "microphone", "sercli-recorded")
        with gr.Tab("Upload"):
            _add_recording(responder, "upload", "sercli-uploaded")
        if any(model.predictor.needs_several for model in responder.models):
            with gr.Tab("Several recordings"):
                _add_several(responder)
        with gr.Tab("Live"):
            _add_live(responder)
        with gr.Accordion("The models: corpus, licence, test results", open=False):
            gr.HTML(rendering.about(responder.models))
        with gr.Accordion("Intended use and limits"):
            gr.Markdown(intended_use())
    page.queue(max_size=_WAITING, api_open=False)
    page.state_session_capacity = _PAGES
    # Gradio checks uploads only on pages that it launched itself.
    _set_existing(page, "has_launched", True)
    app: fastapi.FastAPI = gr.mount_gradio_app(
        fastapi.FastAPI(openapi_url=None),
        page,
        path="/",
        max_file_size=responder.limits.size,
        ssr_mode=False,
        show_error=False,  # visitors see only our own messages
        theme=gr.themes.Default(primary_hue="blue", font=_FONT, font_mono=_MONO),
        css=rendering.style(),
        js=rendering.script(),
        footer_links=[],
        run_history=False,
    )
    return app, {
        number: tuple(_KINDS[type(each)] for each in function.inputs) for number, function in page.fns.items()
    }


def _check_upload(uploads: Uploads, path: str | Path, check_in_upload_folder: bool) -> None:
    """Refuse other files where Gradio needs an upload; the page shows no files of its own."""
    if not check_in_upload_folder:
        return
    try:
        uploads.locate(path)
    except AudioError as error:
        raise _refusal(path, error) from None


def _refusal(path: str | Path, error: AudioError) -> gr.Error:
    """Make an error that visitors see, and that Gradio prints no traceback for."""
    return gr.Error(explain(Path(str(path)), error), print_exception=False)


class _Upload(route_utils.GradioUploadFile):
    """An upload with a folder of its own; Gradio names the folder by a hash of the content."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.sha.update(uuid4().bytes)


def _add_recording(responder: Responder, way: Literal["microphone", "upload"], answers: str) -> None:
    def answer(path: str | None, spoken: bool = False) -> Iterator[str]:
        if path is not None:
            yield from responder.answer(path, spoken=spoken)

    boxes = []
    if not all(model.predictor.bundle.outputs.per_frame for model in responder.models):
        boxes.append(gr.Checkbox(label=_SPOKEN))
    source = _source(responder.uploads, way)
    shown = gr.HTML(elem_id=answers)
    arrival = source.upload if way == "upload" else source.stop_recording
    _connect(arrival, answer, [source, *boxes], shown)


def _add_several(responder: Responder) -> None:
    def answer(paths: list[str] | None) -> Iterator[str]:
        if paths:
            yield from responder.answer_several(paths)

    gr.HTML(
        f'<p class="sercli-note">Send 2 to {MOST_FILES} recordings of one person at once. Their mean and '
        "deviation show how this person usually speaks; each recording is then compared with them. All "
        "recordings must be of the same person.</p>"
    )
    source = gr.File(file_count="multiple", type="filepath", label="Recordings of one person", buttons=[])
    _locate_only(source, responder.uploads)
    _connect(source.upload, answer, [source], gr.HTML(elem_id="sercli-several"))


def _connect(
    arrival: Callable[..., Any], answer: Callable[..., Any], inputs: Sequence[Any], shown: gr.HTML
) -> None:
    """Show an answer when recordings, the first input, arrive, and nothing when they are removed."""
    arrival(
        answer,
        inputs,
        shown,
        trigger_mode="multiple",
        show_progress="minimal",
        concurrency_id="recordings",
        concurrency_limit=_RECORDINGS,
        api_visibility="private",
    )
    inputs[0].clear(lambda: "", None, shown, api_visibility="private")


def _add_live(responder: Responder) -> None:
    def answer(path: str | None, state: Live | None) -> tuple[Any, Live | None]:
        if path is None:
            return gr.skip(), state
        try:
            with responder.uploads.taken(path) as chunk:
                samples, rate = read_chunk(chunk)
        except AudioError:  # reported twice; or equal to an earlier one, as silence is, and deleted with it
            return gr.skip(), state
        state = state or Live(responder)
        found = state.feed(samples, rate)
        return gr.skip() if found is None else rendering.live(found), state

    gr.HTML('<p class="sercli-note">Press Record and speak; the answer follows your last words.</p>')
    source = _source(responder.uploads, "microphone", streaming=True)
    state = gr.State(None, time_to_live=60 * responder.limits.minutes)
    shown = gr.HTML(elem_id="sercli-live")
    source.stream(
        answer,
        [source, state],
        [shown, state],
        stream_every=0.5,
        time_limit=round(60 * responder.limits.minutes),
        concurrency_limit=_SPEAKERS,
        show_progress="hidden",
        api_visibility="private",
    )


def _source(uploads: Uploads, way: Literal["microphone", "upload"], *, streaming: bool = False) -> gr.Audio:
    source = gr.Audio(
        sources=[way],
        type="filepath",
        label="Speech",
        editable=False,  # a cut recording would be another upload
        streaming=streaming,
        buttons=[],
    )

    _locate_only(source, uploads)
    return source


def _locate_only(source: gr.Audio | gr.File, uploads: Uploads) -> None:
    """Let a component accept uploads only."""

    async def locate(name: str | Path | None) -> str | None:
        """Return the path of an upload; Gradio would also accept other files, and fetch addresses."""
        try:
            return None if name is None else str(uploads.locate(name))
        except AudioError as error:
            raise _refusal(str(name), error) from None

    _set_existing(source, "async_move_resource_to_block_cache", locate)


@contextmanager
def _replaced(owner: object, name: str, value: Any) -> Iterator[None]:
    """Replace an attribute of Gradio until the context ends."""
    before = getattr(owner, name, None)
    _set_existing(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _set_existing(owner: object, name: str, value: Any) -> None:
    """Set an attribute that Gradio must have; otherwise the page would read files that no visitor sent.

    Raises:
        ConfigError: this release of Gradio lacks it.
    """
    if not hasattr(owner, name):
        raise ConfigError(f"the page is not safe with gradio {gr.__version__}: pip install 'gradio>=6.31,<7'")
    setattr(owner, name, value)
