"""EMO-DB and RAVDESS together: the corpus of the starter model.

The folder holds the two corpora as distributed, in sub-folders ``emodb`` and ``ravdess``. The name of a
speaker begins with the name of the corpus, so that actor 03 of one corpus is not actor 03 of the other.

The union ``emodb+ravdess`` has the same recordings and folds, but other ids and other names of scheme and
run, which the card and the bundle state.

Source: Burkhardt et al., Interspeech 2005; Livingstone & Russo, PLoS ONE 13(5), 2018.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sercli.corpora import Corpus, get_corpus
from sercli.records import Problem, Utterance
from sercli.schemes import CALM_IS_NEUTRAL, FOUR, Scheme

_PARTS = ("emodb", "ravdess")


def parse(root: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances of both corpora, each under the names of this one."""
    for part in _PARTS:
        if not (root / part).is_dir():
            yield Problem(part, f"missing; the folder needs the sub-folders {' and '.join(_PARTS)}")
            continue
        for item in get_corpus(part).parse(root / part):
            if isinstance(item, Problem):
                yield replace(item, place=f"{part}/{item.place}")
            else:
                yield replace(
                    item,
                    id=f"starter/{item.id.replace('/', '-')}",
                    corpus="starter",
                    file=f"{part}/{item.file}",
                    speaker=f"{part}-{item.speaker}",
                )


CORPUS = Corpus(
    parse,
    title="EMO-DB (free to use) and RAVDESS speech (CC BY-NC-SA 4.0)",
    source="Burkhardt et al., Interspeech 2005; Livingstone & Russo, PLoS ONE 13(5), 2018",
    licence="CC BY-NC-SA 4.0",
    layout="emodb/wav/03a01Fa.wav and ravdess/Actor_01/03-01-01-01-01-01-01.wav",
    shares={"texts": "the actors of a corpus speak the same sentences"},
    schemes=(Scheme("starter-4", "starter", FOUR | CALM_IS_NEUTRAL),),
    default_protocol="speaker-5-fold-no-dev",
)
