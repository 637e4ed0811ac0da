"""The page in Gradio 6."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import fastapi
import gradio as gr
from gradio import processing_utils, route_utils

from sercli.demo import rendering
from sercli.demo.answers import Listener
from sercli.demo.folder import Uploads
from sercli.demo.limits import explain
from sercli.demo.live import Live, read_chunk
from sercli.errors import AudioError, ConfigError

# No fonts but those of the reader's own system: none is fetched from anywhere.
_FONT, _MONO = ["system-ui", "sans-serif"], ["ui-monospace", "monospace"]
# Answers are read out to who can't see them. Tabs are drawn when they are first opened.
_SCRIPT = """() => {
  const mark = () => {
    for (const id of ["sercli-recorded", "sercli-uploaded"])
      document.getElementById(id)?.setAttribute("aria-live", "polite");
  };
  mark();
  new MutationObserver(mark).observe(document.body, {childList: true, subtree: true});
}"""
_SPEAKERS = 8  # live at once
_TAKEN = 16  # recordings at once: they wait for the networks, but have a path of their own then
_WAITING = 32  # recordings behind them
_PAGES = 64  # open at once; the live session of the oldest begins anew then


def build_app(listener: Listener) -> tuple[fastapi.FastAPI, dict[int, int]]:
    """Build the page, whose uploads Gradio puts where those of the listener lie.

    Returns:
        The application, and how many inputs each function of the page has, by its number.
    """
    # Else two visitors who send the same have one file, which goes with the first answer.
    _replace(route_utils, "GradioUploadFile", _Upload)
    with gr.Blocks(title="sercli demo", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(rendering.head(listener.loaded, listener.limits, listener.keep is not None))
        with gr.Tab("Record"):
            _add_recording(listener, "microphone", "sercli-recorded")
        with gr.Tab("Upload"):
            _add_recording(listener, "upload", "sercli-uploaded")
        with gr.Tab("Live"):
            _add_live(listener)
        with gr.Accordion("The models: corpus, licence, figures", open=False):
            gr.HTML(rendering.about(listener.loaded))
        with gr.Accordion("What they are for, and what they can't tell"):
            gr.Markdown(rendering.intended_use())
    page.queue(max_size=_WAITING, api_open=False)
    page.state_session_capacity = _PAGES
    # Else a mounted page takes any file of the server for an upload.
    _replace(page, "has_launched", True)
    _replace(processing_utils, "_check_allowed", partial(_check_sent, listener.uploads))
    app: fastapi.FastAPI = gr.mount_gradio_app(
        fastapi.FastAPI(openapi_url=None),
        page,
        path="/",
        max_file_size=listener.limits.size,
        ssr_mode=False,
        show_error=False,  # of ours only what is meant for visitors
        theme=gr.themes.Default(primary_hue="blue", font=_FONT, font_mono=_MONO),
        css=rendering.style(),
        js=_SCRIPT,
        footer_links=[],
        run_history=False,
    )
    return app, {number: len(function.inputs) for number, function in page.fns.items()}


def _check_sent(uploads: Uploads, path: str | Path, check_in_upload_folder: bool) -> None:
    """Refuse what is no upload where Gradio wants one; the page shows no files of its own."""
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
    """An upload whose folder, which is named by a hash, is its own."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.sha.update(uuid4().bytes)


def _add_recording(listener: Listener, way: Literal["microphone", "upload"], answers: str) -> None:
    def answer(path: str | None) -> Iterator[str]:
        if path is not None:
            yield from listener.answer(path)

    source = _source(listener.uploads, way)
    shown = gr.HTML(elem_id=answers)
    come = source.upload if way == "upload" else source.stop_recording
    come(
        answer,
        source,
        shown,
        trigger_mode="multiple",
        show_progress="minimal",
        concurrency_id="recordings",
        concurrency_limit=_TAKEN,
        api_visibility="private",
    )
    source.clear(lambda: "", None, shown, api_visibility="private")


def _add_live(listener: Listener) -> None:
    def hear(path: str | None, state: Live | None) -> tuple[Any, Live | None]:
        if path is None:
            return gr.skip(), state
        try:
            with listener.uploads.taken(path) as chunk:
                samples, rate = read_chunk(chunk)
        except AudioError:  # told twice, or equal to one before it, as silence is, and deleted with that
            return gr.skip(), state
        state = state or Live(listener)
        heard = state.feed(samples, rate)
        return gr.skip() if heard is None else rendering.live(heard), state

    gr.HTML('<p class="sercli-note">Press Record and speak; the answer follows what was said last.</p>')
    source = _source(listener.uploads, "microphone", streaming=True)
    state = gr.State(None, time_to_live=60 * listener.limits.minutes)
    shown = gr.HTML(elem_id="sercli-live")
    source.stream(
        hear,
        [source, state],
        [shown, state],
        stream_every=0.5,
        time_limit=round(60 * listener.limits.minutes),
        concurrency_limit=_SPEAKERS,
        show_progress="hidden",
        api_visibility="private",
    )


def _source(uploads: Uploads, way: Literal["microphone", "upload"], *, streaming: bool = False) -> gr.Audio:
    made = gr.Audio(
        sources=[way],
        type="filepath",
        label="Speech",
        editable=False,  # a cut recording would be another upload
        streaming=streaming,
        buttons=[],
    )

    async def take(name: str | Path | None) -> str | None:
        """Take an upload; Gradio would take other files too, and fetch what is named by its address."""
        try:
            return None if name is None else str(uploads.locate(name))
        except AudioError as error:
            raise _refusal(str(name), error) from None

    _replace(made, "async_move_resource_to_block_cache", take)
    return made


def _replace(owner: object, name: str, value: Any) -> None:
    """Replace what is Gradio's own; without it the page would read files that nobody sent.

    Raises:
        ConfigError: this Gradio has no such thing.
    """
    if not hasattr(owner, name):
        raise ConfigError(
            f"gradio {gr.__version__} is not one the page is safe with: pip install 'gradio>=6.31,<7'"
        )
    setattr(owner, name, value)
