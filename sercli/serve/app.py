"""The paths of the service, and their description."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Query
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.websockets import WebSocket

import sercli
from sercli.inference.writing import to_json as prediction_to_json
from sercli.plain.json import to_json
from sercli.serve import uploads
from sercli.serve.guard import Guard
from sercli.serve.options import Options, check_names, wrong_value
from sercli.serve.pages import describe
from sercli.serve.refusals import RefusalError
from sercli.serve.service import Service
from sercli.serve.streams import follow
from sercli.web.requests import App

Result = TypeVar("Result")

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}},
}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "The recording: its bytes, or a form with one file. The service does not keep it.",
        "content": {"audio/*": _BINARY, "application/octet-stream": _BINARY, "multipart/form-data": _FORM},
    }
}
_TEXTS = {"kind": {"type": "string"}, "message": {"type": "string"}}
_ERROR = {"type": "object", "properties": {"error": {"type": "object", "properties": _TEXTS}}}
_MEANINGS = {
    400: "The body is not audio that can be decoded, or a form that is not one file.",
    401: "The token is missing or wrong.",
    408: "The body did not arrive in time.",
    411: "The length of the body is not stated.",
    413: "The recording is too large.",
    415: "The body is not said to be audio.",
    422: "The recording is too long, too short or can't be predicted; or an option is wrong.",
    429: "The queue is full; the message names the limit. The header Retry-After says when to try again.",
    500: "The network gave no finite scores, or the service has a fault.",
    503: "The service ends.",
    507: "The disk or memory of the service is full.",
}
_TEXT = """\
`POST /v1/predict` predicts a recording; its answer is the JSON of `sercli predict --json`. The websocket
`/v1/stream` takes 16-bit samples (little endian, mono, 16 kHz) in binary messages, answers with a line of
JSON for each step, and ends with the text message `end`. Its query parameters `margin`, `hold_s`, `smooth_s`
and `silence_db` have the meaning of the options of `sercli predict --live`. Errors are JSON:
`{"error": {"kind": ..., "message": ...}}`; a websocket is closed with 4000 + status after such a message. If
the service has a token, send the header `Authorization: Bearer TOKEN`."""


def build_app(service: Service) -> App:
    """Return the application of a service, guarded."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001
        async with service.running():
            yield

    app = FastAPI(
        title="sercli serve",
        version=sercli.__version__,
        description=_TEXT,
        docs_url=None,  # the usual pages load programs from other hosts
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    _add_errors(app)
    _add_paths(app, service)
    return Guard(app, service)


def _add_paths(app: FastAPI, service: Service) -> None:
    responses: dict[int | str, dict[str, Any]] = {
        status: {"description": text, "content": {"application/json": {"schema": _ERROR}}}
        for status, text in _MEANINGS.items()
    }

    @app.post("/v1/predict", openapi_extra=_BODY, responses=responses, response_class=Response)
    async def predict(
        request: Request,
        timeline: Annotated[
            bool | None, Query(description="Predict window by window; if absent, beyond one minute.")
        ] = None,
        window_s: Annotated[float | None, Query(description="Length of a window in seconds.")] = None,
        hop_s: Annotated[
            float | None, Query(description="Seconds from the start of one window to the start of the next.")
        ] = None,
    ) -> Response:
        """Predict a recording."""
        return await _predict(service, request, Options(timeline, window_s, hop_s))

    @app.get("/v1/model", response_class=Response)
    async def model() -> Response:
        """Describe the model: classes, results, terms of use, limits."""
        return _json(to_json(service.describe(), escaped=False))

    @app.get("/health", response_class=Response)
    async def health() -> Response:
        """Report that the service runs, and whether it accepts requests (status 503 if not)."""
        ready = not service.stopping.is_set()
        return _json(to_json({"live": True, "ready": ready}), 200 if ready else 503)

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Report metrics in the text format of Prometheus."""
        text = service.metrics.render(service.gauges())
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(describe(app.openapi()))

    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        await follow(service, socket)


async def _predict(service: Service, request: Request, options: Options) -> Response:
    """Answer a recording.

    Raises:
        RefusalError: it is refused.
    """
    check_names(request.query_params, Options)
    uploads.check_media_type(request)
    service.check_options(options)
    service.queue.check_room()
    async with uploads.received(request, service.folder, service.settings.limits.size) as path:
        with service.queue.place():
            found = await _while_connected(request, service.predict(path, options))
    return _json(prediction_to_json(found))


async def _while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of some work, which ends as soon as the other side leaves.

    Raises:
        RefusalError: the other side left; nobody reads the answer.
    """
    task = asyncio.ensure_future(work)
    left = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise RefusalError(408, "the connection was closed before the answer")
        return task.result()
    finally:
        task.cancel()
        left.cancel()
        await asyncio.wait({task, left})


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _add_errors(app: FastAPI) -> None:
    """Answer every error with JSON of one form."""

    async def refuse(request: Request, error: Any) -> Response:  # noqa: ARG001
        return _json(error.body, error.status, error.headers)

    async def explain_options(request: Request, error: Any) -> Response:
        return await refuse(request, wrong_value(error.errors()[0]))

    async def explain_status(request: Request, error: Any) -> Response:
        texts = {404: "no such path; see /docs", 405: "this path has another method; see /docs"}
        text = texts.get(error.status_code, str(error.detail))
        headers = dict(error.headers or {})
        return await refuse(request, RefusalError(error.status_code, text, headers=headers))

    async def explain_system(request: Request, error: Any) -> Response:
        return await refuse(request, RefusalError(507, f"the service failed: {error.strerror}"))

    async def explain_fault(request: Request, error: Any) -> Response:  # noqa: ARG001
        return await refuse(request, RefusalError(500, "the service failed; its log has the reason"))

    async def explain_leaving(request: Request, error: Any) -> Response:  # noqa: ARG001
        return await refuse(request, RefusalError(408, "the connection was closed before the answer"))

    app.add_exception_handler(RefusalError, refuse)
    app.add_exception_handler(ClientDisconnect, explain_leaving)
    app.add_exception_handler(RequestValidationError, explain_options)
    app.add_exception_handler(HTTPException, explain_status)
    app.add_exception_handler(OSError, explain_system)
    app.add_exception_handler(Exception, explain_fault)


def _json(body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body + "\n", status, headers, media_type="application/json")
