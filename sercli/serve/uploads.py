"""Receive the recording of a request into the private folder."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.message import Message
from pathlib import Path
from uuid import uuid4

from starlette.datastructures import UploadFile
from starlette.requests import Request

from sercli.audio import FOREIGN_SUFFIXES, SUFFIXES
from sercli.serve.refusals import RefusalError

_FORM = "multipart/form-data"
_ANY = frozenset({"application/octet-stream", "application/ogg"})
# MP3s need not begin with a sign of their kind; the others do.
_SUFFIXES = {"audio/mpeg": ".mp3", "audio/mp3": ".mp3"}
_BLOCK = 1 << 20


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
        RefusalError: it is too large, or the form holds no file or several.
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
    async with request.form(max_files=1, max_fields=0) as form:
        files = [each for each in form.values() if isinstance(each, UploadFile)]
        if len(files) != 1:
            raise RefusalError(400, "the form holds no file; send one recording in it, in any field", "form")
        (upload,) = files
        suffix = Path(upload.filename or "").suffix.lower()
        with _stored(folder, suffix if suffix in {*SUFFIXES, *FOREIGN_SUFFIXES} else "") as path:
            with path.open("wb") as file:
                while block := await upload.read(_BLOCK):
                    file.write(block)
                    _check_size(file.tell(), most)
            yield path


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
