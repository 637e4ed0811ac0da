"""Classes of all commands of the command line."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup, TyperOption

# Before the message of any `ValueError`.
_PREFIX = "Value error, "


class Group(TyperGroup):
    """A group of commands that never ignores one of its options silently."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse an option that is given twice, or before the command that it belongs to."""
        given, rest = _options_of(self, ctx, args)
        if rest and given:
            raise typer.BadParameter(f"write it after '{rest[0]}', not before it", ctx, given[0])
        with _without_prefix():
            return list(super().parse_args(ctx, args))


class Command(TyperCommand):
    """A command that refuses an option that is given twice but can hold only one value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Check the options before they are read."""
        _options_of(self, ctx, args)
        with _without_prefix():
            return list(super().parse_args(ctx, args))


class App(typer.Typer):
    """A Typer application whose commands never ignore one of two values of an option."""

    def __init__(
        self, *, cls: type[TyperGroup] = Group, add_completion: bool = False, **settings: Any
    ) -> None:
        # Plain help needs half the time.
        super().__init__(cls=cls, add_completion=add_completion, rich_markup_mode=None, **settings)

    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = None, **settings: Any
    ) -> Callable[[Any], Any]:
        """Register a command, as `typer.Typer.command` does."""
        return super().command(name, cls=cls or Command, **settings)


class Lazy(NamedTuple):
    """A command that is imported when it is used.

    Attributes:
        place: module of this folder, and its function or `App`, as ``train:train``.
        summary: line of the command in the list of all commands; a hidden command has none.
    """

    place: str
    summary: str = ""

    def load(self, name: str) -> Any:
        """Import the command, which gets the given name."""
        module, _, attribute = self.place.partition(":")
        found = getattr(import_module(f"{__package__}.{module}"), attribute)
        if not isinstance(found, App):
            app = App()
            app.command(hidden=not self.summary)(found)
            found = app
        command = typer.main.get_command(found)
        command.name = name
        return command


class LazyCommands(MutableMapping[str, Any]):
    """Commands by name, some of which are imported when they are looked up."""

    def __init__(self, lazy: Mapping[str, Lazy], others: Mapping[str, Any]) -> None:
        self._commands: dict[str, Any] = {**lazy, **others}

    def __getitem__(self, name: str) -> Any:
        command = self._commands[name]
        if isinstance(command, Lazy):
            command = self._commands[name] = command.load(name)
        return command

    def __setitem__(self, name: str, command: Any) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __contains__(self, name: object) -> bool:
        return name in self._commands

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)


@contextmanager
def _without_prefix() -> Iterator[None]:
    """Remove the words that Typer copies from pydantic's message about a value."""
    try:
        yield
    except typer.BadParameter as error:
        error.message = error.message.removeprefix(_PREFIX)
        raise


def _options_of(command: TyperCommand | TyperGroup, ctx: Any, args: list[str]) -> tuple[list[Any], list[str]]:
    """List the given options and the arguments after them; refuse repeated options with a single value."""
    if ctx.resilient_parsing:  # completion parses a line that is not finished
        return [], []
    _, rest, given = command.make_parser(ctx).parse_args(args=list(args))
    options = Counter(each for each in given if isinstance(each, TyperOption))
    for option, times in options.items():
        switch = option.is_flag and not option.secondary_opts  # a repetition changes nothing
        if times > 1 and not (option.multiple or option.count or switch):
            raise typer.BadParameter("it is given more than once, but takes one value", ctx, option)
    return [option for option in options if not option.is_eager], rest
