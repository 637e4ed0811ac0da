"""The Hub's library, and its errors as lines with a remedy."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sercli.encoders.finding import transport_error
from sercli.errors import ConfigError, SerError
from sercli.hub import HubError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

LOGIN = "log in with `hf auth login`, or set HF_TOKEN"

_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,94}\w)?/[A-Za-z0-9_](?:[\w.-]{0,94}\w)?", re.ASCII)


def client() -> "HfApi":
    """Return the library's client, with the login and the endpoint that it finds.

    Raises:
        ConfigError: the library is not installed.
    """
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.utils.tqdm import disable_progress_bars
    except ImportError:
        raise ConfigError("push and pull need 'huggingface_hub': pip install 'sercli[hub]'") from None
    if not sys.stderr.isatty():  # the library would draw its progress bars even there
        disable_progress_bars()
    return HfApi(library_name="sercli")


def check_name(repo: str) -> None:
    """Refuse text that is not a valid name of a model repository.

    Raises:
        HubError: it is not valid.
    """
    if not _NAME.fullmatch(repo) or "--" in repo or ".." in repo or repo.endswith(".git"):
        raise HubError(
            f"'{repo}': not a valid repository name; write OWNER/NAME with letters, digits and single -, _ "
            "or ."
        )


@contextmanager
def asking(repo: str, revision: str | None = None) -> Iterator[None]:
    """Turn errors of the library into one line with the place and the remedy.

    Args:
        repo: the repository.
        revision: its branch, tag or commit, if one is named.

    Raises:
        HubError: the Hub refuses, or can't be reached.
    """
    transport = transport_error()
    try:
        yield
    except SerError:
        raise
    except (transport, OSError, RuntimeError, ValueError) as error:
        cause = _first_of(error, (transport, ConnectionError))
        if isinstance(cause, OSError) and cause.errno is not None and not isinstance(cause, ConnectionError):
            raise  # an error of this machine: a full disk, a missing permission
        raise HubError(f"{repo}: {_explain(cause, revision)}") from None


def _first_of(error: BaseException, wanted: tuple[type[BaseException], ...]) -> BaseException:
    """Find the original error of the Hub or the network among the causes of the library's error."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, wanted):
        seen = seen.__cause__
    return seen or error


def _explain(error: BaseException, revision: str | None) -> str:
    from huggingface_hub import errors

    named = {
        errors.GatedRepoError: "its owner approves each user; ask for access on its page",
        errors.RepositoryNotFoundError: "no such model repository, or a private one without access for you; "
        f"check the name, or {LOGIN}",
        errors.RevisionNotFoundError: f"no branch, tag or commit '{revision}'; its page lists all of them",
        errors.OfflineModeIsEnabled: "HF_HUB_OFFLINE is set; unset it to reach the Hub",
    }
    for kind, explanation in named.items():
        if isinstance(error, kind):
            return explanation
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.HfHubHTTPError) and status is not None:
        return _explain_status(status, _line(error.server_message or ""))
    text = _line(str(error)) or type(error).__name__
    if isinstance(error, ValueError | RuntimeError):
        return f"the Hub refuses: {text}"
    return f"the Hub can't be reached ({text}); check the connection and run again"


def _explain_status(status: int, message: str) -> str:
    detail = f" ({message})" if message else ""
    if status == 401:
        return f"the Hub does not accept this login{detail}; {LOGIN}"
    if status == 403:
        return f"this login has no permission{detail}; use a token that may write there"
    if status in {409, 412}:
        return f"it was changed or made meanwhile{detail}; run again"
    if status == 429:
        return f"the Hub received too many requests{detail}; run again later"
    return f"the Hub answers {status}{detail}; run again later"


def _line(text: str) -> str:
    """Join the lines of a text, without control characters, which a terminal would obey."""
    return "".join(each for each in " ".join(text.split()) if each.isprintable())[:300]
