"""Write the table of corpora in corpora.md from the entries: `python docs/_corpora.py`."""

from pathlib import Path

from sercli.corpora import Corpus, corpus_names, get_corpus

PAGE = Path(__file__).with_name("corpora.md")
BEGIN, END = "<!-- begin: made by docs/_corpora.py -->\n", "<!-- end -->\n"
_HEAD = ("name", "what", "language", "utterances", "speakers", "emotions", "hours", "licence", "expected at")


def table() -> str:
    """Return the table in Markdown: corpora by name, then readers of any corpus and generated ones."""
    entries = {name: get_corpus(name) for name in corpus_names()}
    named = [name for name, entry in entries.items() if not (entry.any_name or entry.synthetic)]
    others = [name for name in entries if name not in named]
    rows = [_HEAD, ["---"] * len(_HEAD), *(_row(name, entries[name]) for name in (*named, *others))]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(name: str, entry: Corpus) -> list[str]:
    return [
        f"`{name}`",
        entry.title,
        entry.language or "–",
        _count(entry),
        str(entry.speakers or "–"),
        str(len(entry.known.get("emotion", ())) or "–"),
        f"{entry.hours:g}" if entry.hours else "–",
        entry.licence + _how(entry),
        f"`{entry.layout}`" if not entry.synthetic else "generated",
    ]


def _how(entry: Corpus) -> str:
    """Return how a corpus is obtained, beside its licence."""
    if entry.download:
        return "; `--download`"
    return f"; from {entry.origin}" if entry.origin else ""


def _count(entry: Corpus) -> str:
    """Return the number of utterances; one that is not certain has its origin beside it."""
    if not entry.utterances:
        return "–"
    count = f"{entry.utterances:,}".replace(",", " ")
    return f"{count} (from {entry.counts_from})" if entry.counts_from else count


def page() -> str:
    """Return the page with the table of today."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
