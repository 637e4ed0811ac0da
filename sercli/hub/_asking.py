"""Ask the Hub: its library, and its library's errors as lines that say what to do."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sercli.errors import ConfigError, SerError
from sercli.hub import HubError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

LOGIN = "log in with `hf auth login`, or set HF_TOKEN"

_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,94}\w)?/[A-Za-z0-9_](?:[\w.-]{0,94}\w)?", re.ASCII)


def client() -> "HfApi":
    """Give the library's client, with the login and the endpoint that it finds.

    Raises:
        ConfigError: the library is not installed.
    """
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.utils.tqdm import disable_progress_bars
    except ImportError:
        raise ConfigError("push and pull need 'huggingface_hub': pip install 'sercli[hub]'") from None
    if not sys.stderr.isatty():  # where the library would draw its bars all the same
        disable_progress_bars()
    return HfApi(library_name="sercli")


def check_name(repo: str) -> None:
    """Refuse what can't be the name of a model repository.

    Raises:
        HubError: it can't.
    """
    if not _NAME.fullmatch(repo) or "--" in repo or ".." in repo or repo.endswith(".git"):
        raise HubError(
            f"'{repo}': no name of a model repository; write OWNER/NAME, of letters, digits and single -, _ "
            "or ."
        )


@contextmanager
def asking(repo: str, revision: str | None = None) -> Iterator[None]:
    """Turn what the library raises into one line with the place and the remedy.

    Args:
        repo: the repository that is asked about.
        revision: its branch, tag or commit, where one is named.

    Raises:
        HubError: the Hub refuses, or can't be reached.
    """
    from huggingface_hub.errors import HfHubHTTPError

    # The HTTP library's own error: httpx's, or requests' in releases before 1.0.
    transport: type[Exception] = next(
        base for base in HfHubHTTPError.__mro__[1:] if base.__name__ == "HTTPError"
    )
    try:
        yield
    except SerError:
        raise
    except (transport, OSError, RuntimeError, ValueError) as error:
        told = _first_of(error, (transport, ConnectionError))
        if isinstance(told, OSError) and told.errno is not None and not isinstance(told, ConnectionError):
            raise  # of this machine: a full disk, a missing permission
        raise HubError(f"{repo}: {_say(told, revision)}") from None


def _first_of(error: BaseException, wanted: tuple[type[BaseException], ...]) -> BaseException:
    """Find what the Hub or the network said within what the library made of it."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, wanted):
        seen = seen.__cause__
    return seen or error


def _say(error: BaseException, revision: str | None) -> str:
    from huggingface_hub import errors

    named = {
        errors.GatedRepoError: "its owner admits people one by one; ask for access on its page",
        errors.RepositoryNotFoundError: "no such model repository, or a private one that you may not see; "
        f"look at the name, or {LOGIN}",
        errors.RevisionNotFoundError: f"no branch, tag or commit '{revision}'; its page lists what there is",
        errors.OfflineModeIsEnabled: "HF_HUB_OFFLINE is set; unset it to reach the Hub",
    }
    for kind, told in named.items():
        if isinstance(error, kind):
            return told
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.HfHubHTTPError) and status is not None:
        return _say_status(status, _line(error.server_message or ""))
    told = _line(str(error)) or type(error).__name__
    if isinstance(error, ValueError | RuntimeError):
        return f"the Hub refuses: {told}"
    return f"the Hub can't be reached ({told}); look at the connection and run again"


def _say_status(status: int, message: str) -> str:
    said = f" ({message})" if message else ""
    if status == 401:
        return f"the Hub does not take this login{said}; {LOGIN}"
    if status == 403:
        return f"this login has no permission{said}; use a token that may write there"
    if status in {409, 412}:
        return f"it changed, or was made, meanwhile{said}; run again"
    if status == 429:
        return f"the Hub asks to wait{said}; run again later"
    return f"the Hub answers {status}{said}; run again later"


def _line(text: str) -> str:
    """Put a text of several lines into one, without what a terminal would obey."""
    return "".join(each for each in " ".join(text.split()) if each.isprintable())[:300]
