"""Answers to requests that are refused: a status, and JSON of one form."""

import math
from dataclasses import dataclass, field

from sercli.plain.json import to_json

RETRY_S = 1
"""Seconds after which a request that was refused because the service is busy can be repeated, at least."""

KINDS = {
    400: "undecodable",
    401: "token",
    403: "other_site",
    404: "not_found",
    405: "method",
    408: "late",
    411: "no_length",
    413: "too_large",
    415: "media_type",
    421: "host",
    422: "refused",
    429: "busy",
    500: "internal",
    503: "ending",
    507: "storage",
}
"""Kind of an error by its status, if nothing more is known about it."""


@dataclass(eq=False)  # not frozen: Python sets the traceback of an error
class RefusalError(Exception):
    """A request that is not answered; neither a bug nor the end of the service.

    Attributes:
        status: status of HTTP. A websocket is closed with 4000 + status.
        message: what is wrong, and what to do.
        kind: word for programs; that of the status if not given.
        headers: further headers of the answer.
    """

    status: int
    message: str
    kind: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> str:
        """The error as JSON."""
        kind = self.kind or KINDS.get(self.status, "internal")
        return to_json({"error": {"kind": kind, "message": self.message}})


def busy(fact: str, seconds: float = 0.0) -> RefusalError:
    """Refuse a request because a limit on what the service does at once is reached.

    Args:
        fact: which limit.
        seconds: estimated time until there is room again.
    """
    wait = max(RETRY_S, min(600, math.ceil(seconds)))
    return RefusalError(429, f"{fact}; try again in {wait} s", headers={"retry-after": str(wait)})


def ending() -> RefusalError:
    """Refuse a request because the service ends."""
    return RefusalError(503, "the service ends; send the recording to another one, or later")
