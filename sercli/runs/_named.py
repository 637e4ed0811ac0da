"""Look names up inside pydantic's validators."""

from typing import Any

from sercli.errors import ProtocolError, UnknownNameError


def named(get: Any, name: str) -> Any:
    """Look a name up; inside a validator its error has to be a ValueError to keep its place."""
    try:
        return get(name)
    except (UnknownNameError, ProtocolError) as error:
        raise ValueError(str(error)) from None
