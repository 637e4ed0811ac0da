"""Fetch the archive of an openly licensed corpus and unpack it: resumable, checked, completely or not at all.

Beside the unpacked folder ``NAME`` is ``NAME.json``, which records its archive. During the download there are
``NAME.zip.part`` and ``NAME.zip.part.json``, which a later run needs to resume.
"""

import hashlib
import re
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit

import sercli
from sercli import files
from sercli.corpora import Download
from sercli.errors import CorpusError
from sercli.plain.json import from_json
from sercli.preparation._unpack import BY_HAND, Archive, unpack

_TIMEOUT_S = 60
_BLOCK = 1 << 16


def fetch(
    download: Download, folder: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> Path:
    """Get an archive and return the folder of its unpacked contents, ``folder / "<archive's stem>"``.

    An archive that is there already is not downloaded again; a transfer that was cut short resumes where it
    stopped. The caller ensures that only one process at a time uses ``folder``.

    Args:
        download: the archive.
        folder: folder for its contents.
        progress: called with the received bytes and all bytes, or 0 if the server does not state them.

    Raises:
        CorpusError: the archive can't be downloaded, isn't the published one, or can't be unpacked safely.
    """
    archive = _archive_name(download.url)
    target = folder / PurePosixPath(archive).stem
    record = folder / f"{target.name}.json"
    part = folder / f"{archive}.part"
    if target.is_dir() and _agrees(_read_json(record), download):
        _forget(part)
        return target
    folder.mkdir(parents=True, exist_ok=True)
    _receive(download, part, progress)
    try:
        made_of = {"url": download.url, "size": part.stat().st_size} | _checksum(download, part)
        # A folder without its record is not used, so a killed process does no harm.
        record.unlink(missing_ok=True)
        with files.replacing_folder(target) as temporary:
            unpack(Archive(part, download.url), temporary)
    except CorpusError:
        # If a damaged archive were resumed, the result would be the same.
        _forget(part)
        raise
    files.write_json(record, made_of)
    _forget(part)
    return target


def _archive_name(url: str) -> str:
    parts = urlsplit(url)
    name = PurePosixPath(unquote(parts.path)).name
    if parts.scheme not in {"http", "https"}:
        raise CorpusError(f"{url}: only http and https addresses can be downloaded; {BY_HAND}")
    if PurePosixPath(name).suffix.lower() != ".zip":
        raise CorpusError(f"{url}: only zip archives can be unpacked; {BY_HAND}")
    return name


def _agrees(record: dict[str, Any], download: Download) -> bool:
    wanted = {"url": download.url, "size": download.size, "md5": download.md5}
    return all(record.get(key) == value for key, value in wanted.items() if value is not None)


def _receive(download: Download, part: Path, progress: Callable[[int, int], None]) -> None:
    """Download the rest of the part file, from its present end if that is possible."""
    state = _read_json(_state_of(part))
    have = part.stat().st_size if part.exists() else 0
    size = download.size or state.get("size") or 0
    # A file that may have changed is continued only if a checksum would show the change.
    known = state.get("url") == download.url and (state.get("validator") or download.md5)
    if have and (not known or 0 < size < have):
        have = 0
    if have and have == size:
        progress(have, size)
        return

    response = _request(download.url, have, state.get("validator"))
    if response is None:  # nothing follows the bytes received
        progress(have, have)
        return
    with response:
        begun = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range") or "")
        if response.status == 206 and have and begun and _continues(begun, have, size):
            size = size if begun[2] == "*" else int(begun[2])
        elif response.status == 200:
            have = 0
            size = response.length or download.size or 0
        else:
            _forget(part)
            raise CorpusError(f"{download.url}: the server sent another part than requested; run again")
        if download.size and size != download.size:
            _forget(part)
            raise CorpusError(
                f"{download.url}: {size} bytes, not {download.size}; "
                f"this is not the archive that was published, {BY_HAND}"
            )
        if not have:
            _forget(part)
            files.write_json(_state_of(part), _describe(download, response, size))
        progress(have, size)
        with files.naming(part), part.open("ab") as stream:
            for block in _blocks(response, download.url):
                stream.write(block)
                have += len(block)
                progress(have, size)
    if have < size:
        raise CorpusError(
            f"{download.url}: the transfer broke off after {have} of {size} bytes; run again to resume it"
        )


def _continues(begun: re.Match[str], have: int, size: int) -> bool:
    """Return whether a part starts at the end of our part and belongs to a file of the same length."""
    return int(begun[1]) == have and (not size or begun[2] in {"*", str(size)})


def _request(url: str, start: int, validator: str | None) -> HTTPResponse | None:
    """Request the bytes after the first ``start``; ``None`` means that there are no more."""
    headers = {"User-Agent": f"sercli/{sercli.__version__}"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    opener = urllib.request.OpenerDirector()
    # The usual opener would also follow a redirection to ftp.
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 (the scheme was looked at)
        response: HTTPResponse = opener.open(request, timeout=_TIMEOUT_S)
    except HTTPError as error:
        error.close()
        if error.code == 416 and start:
            if error.headers.get("Content-Range") == f"bytes */{start}":
                return None
            return _request(url, 0, None)
        raise CorpusError(
            f"{url}: the server answers {error.code} ({error.reason}); try again later, or {BY_HAND}"
        ) from None
    except (OSError, HTTPException) as error:
        raise _unreachable(url, error) from None
    return response


def _blocks(response: HTTPResponse, url: str) -> Iterator[bytes]:
    while True:
        try:
            block = response.read(_BLOCK)
        except (OSError, HTTPException) as error:
            raise _unreachable(url, error) from None
        if not block:
            return
        yield block


def _unreachable(url: str, error: Exception) -> CorpusError:
    reason = error.reason if isinstance(error, URLError) else error
    fact = " ".join(str(reason).split()) or type(reason).__name__
    return CorpusError(f"{url}: {fact}; check the connection and run again to resume, or {BY_HAND}")


def _describe(download: Download, response: HTTPResponse, size: int) -> dict[str, Any]:
    """Return the facts that a later run needs to resume: the file's address, its version and its size."""
    tag = response.headers.get("ETag")
    # RFC 9110, 13.1.5: a weak tag must not be used to join parts.
    strong = tag if tag and not tag.startswith("W/") else None
    return {
        "url": download.url,
        "validator": strong or response.headers.get("Last-Modified"),
        "size": size,
    }


def _checksum(download: Download, part: Path) -> dict[str, str]:
    with part.open("rb") as stream:
        if download.md5 is None:
            return {"sha256": hashlib.file_digest(stream, "sha256").hexdigest()}
        found = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != download.md5:
        raise CorpusError(
            f"{download.url}: its md5 is {found}, not {download.md5}; damaged on the way or no longer "
            f"the archive that was published: run again, or {BY_HAND}"
        )
    return {"md5": found}


def _state_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _state_of(part).unlink(missing_ok=True)


def _read_json(path: Path) -> dict[str, Any]:
    """Read a mapping; a missing or damaged one is empty."""
    try:
        value = from_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
