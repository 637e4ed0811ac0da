"""What a user can cause and fix.

Every message names the place, the fact and the remedy, and fits on one line. The command line
catches `SerError` once and prints it; anything else that escapes is a bug and keeps its traceback.
"""

from collections.abc import Iterable, Sequence

# Names listed in a message when none is near.
_SHOWN = 24
_FEW = 6  # where a command lists them


class SerError(Exception):
    """Something a user can put right."""


class ConfigError(SerError, ValueError):
    """A setting that is unknown, of the wrong type, or contradicts another."""


class PluginError(ConfigError):
    """A file of a plug-in that can't be loaded."""


class UnknownNameError(SerError):
    """A corpus, feature, architecture, scheme, protocol or run that does not exist."""


class AudioError(SerError):
    """An audio file that can't be read completely."""


class CorpusError(SerError):
    """A corpus that is missing, incomplete or not the one named."""


class ManifestError(SerError):
    """A manifest that can't be read, or disagrees with its audio."""


class ProtocolError(SerError):
    """Folds that can't be made of these utterances."""


class DivisionError(ProtocolError):
    """Utterances that one protocol can't divide, though another may."""


class FeatureError(SerError):
    """Features that can't be computed, or a feature store that is damaged."""


class RunError(SerError):
    """A training run that is missing, unfinished, damaged or can't start."""


def list_some(names: Sequence[str], shown: int, separator: str = ", ") -> str:
    """List the first names, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return separator.join(names[:shown]) + more


def first_line(error: BaseException, most: int = 120) -> str:
    """Return the first line of an error of another library, at most so many characters of it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:most]


def unknown(what: str, name: str, known: Iterable[str], listed_by: str | None = None) -> UnknownNameError:
    """Make the error for an unknown name, with the nearest known names.

    If no name is near, the error names all of them, or the command that lists them if they are many.
    """
    choices = sorted(known)
    if listed_by and len(choices) > _FEW and not near_names(name, choices):
        return UnknownNameError(f"{what} has no '{name}'; `{listed_by}` lists all names")
    return UnknownNameError(f"{what} has no '{name}'; {suggest(name, choices)}")


def require_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """Refuse a text that is none of the choices; a type of literals alone is checked by nobody at run time.

    Raises:
        ConfigError: the message lists the choices.
    """
    known = tuple(choices)
    if value not in known:
        raise ConfigError(f"{name}={value!r}: use {list_some(known[:-1], len(known))} or {known[-1]}")


def suggest(name: str, choices: Sequence[str], otherwise: str | None = None) -> str:
    """Return what to write in place of an unknown name: the nearest known names.

    Args:
        name: the unknown name.
        choices: the known names.
        otherwise: what to say if no name is near; if not given, all of them are named.
    """
    if near := near_names(name, choices):
        return f"did you mean {', '.join(near)}?"
    if otherwise is not None:
        return otherwise
    if not choices:
        return "there is none yet"
    more = f" or another of {len(choices)}" if len(choices) > _SHOWN else ""
    return f"use {', '.join(choices[:_SHOWN])}{more}"


def near_names(name: str, choices: Sequence[str], least: float = 0.6) -> list[str]:
    """List the known names that an unknown one may stand for.

    One that differs only in capitals, hyphens, underscores and blanks is alone.

    Args:
        name: the unknown name.
        choices: the known names.
        least: similarity of the spelling from which a name counts as near, 0 to 1.
    """
    from difflib import get_close_matches

    alike = [each for each in choices if _spelled(each) == _spelled(name)]
    return alike or get_close_matches(str(name), choices, cutoff=least)


def _spelled(name: object) -> str:
    return "".join(letter for letter in str(name).casefold() if letter not in "-_ ")
