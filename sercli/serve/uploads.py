"""Receive the recording of a request into the private folder."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from email.message import Message
from pathlib import Path
from uuid import uuid4

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from sercli.audio import MEDIA_SUFFIXES
from sercli.serve.refusals import RefusalError

_FORM = "multipart/form-data"
_ANY = frozenset({"application/octet-stream", "application/ogg"})
# MP3s need not begin with a sign of their kind; the others do.
_SUFFIXES = {"audio/mpeg": ".mp3", "audio/mp3": ".mp3"}
_BLOCK = 1 << 20
# Fields of a form that are read, so that a refusal can name them.
_FIELDS = 8
_ONE_FILE = "send one file in one field, as `curl -F file=@speech.wav` does"


def check_media_type(request: Request) -> None:
    """Refuse a request whose body is not said to be a recording.

    Raises:
        RefusalError: it is not.
    """
    kind = _media_type(request)
    if kind and kind != _FORM and kind not in _ANY and kind.partition("/")[0] not in {"audio", "video"}:
        raise RefusalError(
            415,
            f"'{kind[:80]}' is not audio; send the bytes of a recording with a Content-Type such as "
            f"audio/wav or application/octet-stream, or a form ({_FORM}) with one file",
        )


@asynccontextmanager
async def received(request: Request, folder: Path, most: int) -> AsyncIterator[Path]:
    """Store the recording of a request, and delete it at the end.

    Args:
        request: has the recording as its body, or as the file of a form.
        folder: folder for it.
        most: largest recording, bytes.

    Raises:
        RefusalError: it is too large, or the form is not one file.
    """
    if _media_type(request) != _FORM:
        with _stored(folder, _SUFFIXES.get(_media_type(request), "")) as path:
            size = 0
            with path.open("wb") as file:
                async for block in request.stream():
                    size += len(block)
                    _check_size(size, most)
                    file.write(block)
            yield path
        return
    async with _form(request) as form:
        upload = _only_file(form)
        suffix = Path(upload.filename or "").suffix.lower()
        with _stored(folder, suffix if suffix in MEDIA_SUFFIXES else "") as path:
            with path.open("wb") as file:
                while block := await upload.read(_BLOCK):
                    file.write(block)
                    _check_size(file.tell(), most)
            yield path


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    """Read the form of a request, and close its files at the end."""
    async with AsyncExitStack() as stack:
        reading = request.form(max_files=_FIELDS, max_fields=_FIELDS, max_part_size=1 << 16)
        try:
            form = await stack.enter_async_context(reading)
        except HTTPException:
            fault = f"the form is damaged, or has more than {_FIELDS} fields"
            raise RefusalError(400, f"{fault}; {_ONE_FILE}", "form") from None
        yield form


def _only_file(form: FormData) -> UploadFile:
    """Return the file of a form.

    Raises:
        RefusalError: it has none or several, or further fields.
    """
    fields = [(f"'{name[:80]}'", value) for name, value in form.multi_items()]
    files = [(name, value) for name, value in fields if isinstance(value, UploadFile)]
    texts = [name for name, value in fields if not isinstance(value, UploadFile)]
    if len(files) > 1:
        names = ", ".join(name for name, _ in files)
        raise RefusalError(400, f"the form has {len(files)} files ({names}); {_ONE_FILE}", "form")
    if texts and files:
        raise RefusalError(
            400,
            f"the form has text in the field {texts[0]}; send the file alone, and parameters in the address, "
            "as in /v1/predict?timeline=true",
            "form",
        )
    if texts:
        raise RefusalError(400, f"the field {texts[0]} of the form holds text, no file; {_ONE_FILE}", "form")
    if not files:
        raise RefusalError(400, f"the form is empty; {_ONE_FILE}", "form")
    return files[0][1]


@contextmanager
def _stored(folder: Path, suffix: str) -> Iterator[Path]:
    path = folder / f"{uuid4().hex}{suffix}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise RefusalError(413, f"the recording is too large; the limit is {most / 1e6:g} MB")


def _media_type(request: Request) -> str:
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    return header.get_content_type() if request.headers.get("content-type") else ""
