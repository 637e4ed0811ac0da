"""Columns of a study's table: corpora with scheme and protocol, as files and the command line name them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from sercli.corpora import corpus_names, get_corpus
from sercli.errors import ConfigError, SerError, UnknownNameError, near_names
from sercli.models import get_architecture
from sercli.protocols import get_protocol, parse_list_name
from sercli.schemes import EVERY_EMOTION, Scheme, get_scheme, scheme_names, schemes_of
from sercli.schemes.reading import choose_scheme, is_file
from sercli.studies.study import Column, StudyRow
from sercli.unions import MARK, is_union, union_name

# A less similar name is rather that of a corpus of the user's own: `calls` is not a misspelled `casia`.
_MISSPELLED = 0.75


def parse_column(text: str, arch: str, folder: Path = Path()) -> Column:
    """Read ``SCHEME``, ``CORPUS`` or ``CORPUS/SCHEME``, each with or without ``:PROTOCOL``.

    A scheme is a name or a YAML file; this file, and the path of ``lists:PATH``, are relative to ``folder``.

    Raises:
        UnknownNameError: there is no such scheme or protocol.
        ConfigError: the scheme is for another corpus, or it is for any corpus and none is named.
    """
    name, _, protocol = text.partition(":")
    corpus, slash, scheme = name.partition("/")
    if not slash:
        corpus, scheme = (name, "") if name in corpus_names() or is_union(name) else ("", name)
        if scheme and scheme not in scheme_names() and not is_file(scheme):
            near = near_names(name, sorted([*scheme_names(), *corpus_names()]), least=_MISSPELLED)
            meant = f"; did you mean {', '.join(near)}?" if near else ""
            raise UnknownNameError(
                f"no scheme or supported corpus is called '{name}' (for a corpus of your own, write "
                f"{name}/{EVERY_EMOTION}){meant}"
            )
    chosen = choose_scheme(scheme or None, None, folder=folder)
    if chosen and not corpus and chosen.corpus is None:
        raise ConfigError(f"scheme '{scheme}' is for any corpus; write CORPUS/{scheme}")
    named = f"{corpus}/{chosen.name}" if chosen and is_file(scheme) else name
    if is_union(corpus):
        named, corpus = named.replace(corpus, union_name(corpus), 1), union_name(corpus)
    return complete_column(named, corpus or None, chosen, protocol or None, arch, folder)


def complete_column(
    name: str | None,
    corpus: str | None,
    scheme: Scheme | None,
    protocol: str | None,
    arch: str,
    folder: Path = Path(),
) -> Column:
    """Fill in missing parts: first from the architecture's paper, then from the corpus.

    Raises:
        UnknownNameError: there is no such scheme or protocol.
        ConfigError: the scheme is for another corpus, or it is for any corpus and none is named.
    """
    settings = get_architecture(arch).recipe.settings
    if scheme is None:
        of_paper = [setting.scheme for setting in settings if setting.corpus == corpus]
        scheme = get_scheme(of_paper[0]) if of_paper else schemes_of(str(corpus))[0]
    made_for = scheme.corpus
    if corpus is None and made_for is None:
        raise ConfigError(f"scheme '{scheme.name}' is for any corpus; add 'corpus: CORPUS'")
    corpus = union_name(corpus or str(made_for))
    if made_for not in (None, corpus):
        raise ConfigError(
            f"scheme '{scheme.name}' is made for corpus '{made_for}', not for '{corpus}'; name another scheme"
        )
    usual = protocol or _default_protocol(corpus, scheme.name, arch)
    if parse_list_name(usual):
        usual = f"lists:{folder / usual.removeprefix('lists:')}"
    return Column(name or scheme.name, corpus, scheme, get_protocol(usual).name)


def _default_protocol(corpus: str, scheme: str, arch: str) -> str:
    """Return the protocol of the architecture's paper, otherwise the corpus's own."""
    for setting in get_architecture(arch).recipe.settings:
        if setting.corpus == corpus and get_protocol(setting.protocol).scheme in (None, scheme):
            return setting.protocol
    if corpus in corpus_names():
        return get_corpus(corpus).default_protocol
    return "speaker-5-fold" if is_union(corpus) else "leave-one-speaker-out"


def column_name(text: str, columns: Iterable[str]) -> str:
    """Return the column that a text names: the corpora of a union may be in any order."""
    known = list(columns)
    alike = [name for name in known if _ordered(name) == _ordered(text)]
    return text if text in known or not alike else alike[0]


def _ordered(name: str) -> str:
    corpora, slash, scheme = name.partition("/")
    return MARK.join(sorted(part.strip() for part in corpora.split(MARK))) + slash + scheme


def choose_columns(texts: Sequence[str], row: StudyRow, columns: Sequence[str]) -> list[Column]:
    """Choose columns of a row by name or by corpus, or make a column of a corpus that the study lacks.

    A corpus that the study lacks is left out if the row's network can't be trained on it.

    Raises:
        UnknownNameError: there is no such column, scheme or protocol.
    """
    chosen: dict[str, Column] = {}
    for each in texts:
        text = column_name(each, [*columns, *(on.corpus for on in row.on)])
        fitting = [on for on in row.on if on.name == text] or [on for on in row.on if on.corpus == text]
        if not fitting and text not in columns:
            try:
                parsed = parse_column(text, row.arch)
            except SerError as error:
                raise type(error)(f"--on {text}: {error}; the study has {', '.join(columns)}") from None
            fits = parsed.choice.task.network in get_architecture(row.arch).tasks
            shared = row.on[0].settings if len({on.settings for on in row.on}) == 1 else ()
            fitting = [replace(parsed, settings=shared)] if fits else []
        for on in fitting:
            if chosen.get(on.name, on) != on:  # the same scheme under another protocol
                on = replace(on, name=f"{on.name}, {on.protocol.partition('@')[0]}")  # noqa: PLW2901
            chosen[on.name] = on
    return list(chosen.values())
