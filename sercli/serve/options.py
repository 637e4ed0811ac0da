"""The options of a request, which are those of `sercli predict`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sercli.errors import ConfigError, unknown
from sercli.inference.predict import Predictor
from sercli.inference.steadiness import Steadiness
from sercli.serve.refusals import RefusalError

WHOLE_MINUTES = 5.0
"""Longest recording that ``timeline=false`` predicts as one utterance: memory grows with the length."""
OVERLAP = 20.0
"""Most windows that may contain a moment: computing grows with their number."""

_NUMBERS = TypeAdapter(dict[str, float])


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a request.

    Attributes:
        timeline: whether a recording is cut into windows; only a long one is if not given.
        window_s: length of a window in seconds.
        hop_s: seconds from the start of one window to that of the next.
    """

    timeline: bool | None = None
    window_s: float | None = None
    hop_s: float | None = None

    def apply_to(self, predictor: Predictor) -> Predictor:
        """Return a predictor of the same model with these options.

        Raises:
            ConfigError: the options do not fit each other or the model.
            RefusalError: the windows overlap too much.
        """
        if self == Options():
            return predictor
        found = predictor.with_windows(**asdict(self))
        if found.window_s > OVERLAP * found.hop_s:
            raise RefusalError(
                422,
                f"hop_s={found.hop_s:g}: windows of {found.window_s:g} s overlap more than {OVERLAP:g} "
                f"times; use {found.window_s / OVERLAP:g} or more",
                "options",
            )
        return found

    def check_length(self, seconds: float) -> None:
        """Refuse a recording that is too long to be predicted as one utterance.

        Raises:
            RefusalError: it is.
        """
        if self.timeline is False and seconds > 60 * WHOLE_MINUTES:
            raise RefusalError(
                422,
                f"timeline=false: the recording is longer than {WHOLE_MINUTES:g} minutes; leave it out",
                "too_long",
            )


def check_names(query: Mapping[str, str], options: type[Options | Steadiness]) -> None:
    """Refuse a query with a parameter that is none of the options.

    Raises:
        RefusalError: it has one.
    """
    names = [each.name for each in fields(options)]
    for name in query:
        if name not in names:
            raise RefusalError(422, str(unknown("the query", name, names)), "options")


def wrong_value(error: Mapping[str, Any]) -> RefusalError:
    """Refuse a value of a query that is not of its type.

    Args:
        error: as pydantic describes it.
    """
    valid = {"bool_parsing": "use true or false", "float_parsing": "use a number"}
    remedy = valid.get(error["type"], error["msg"])
    return RefusalError(422, f"{error['loc'][-1]}={str(error['input'])[:80]}: {remedy}", "options")


def read_steadiness(query: Mapping[str, str]) -> Steadiness:
    """Read the options of a stream.

    Raises:
        RefusalError: one is unknown, not a number, or out of its range.
    """
    check_names(query, Steadiness)
    try:
        return Steadiness(**_NUMBERS.validate_python(dict(query)))
    except ValidationError as error:
        raise wrong_value(error.errors()[0]) from None
    except ConfigError as error:
        raise RefusalError(422, str(error), "options") from None
