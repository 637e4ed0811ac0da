"""Whether a plan's classes can be learned."""

from typing import TYPE_CHECKING

from sercli.corpora import corpus_names, get_corpus
from sercli.errors import ConfigError, ProtocolError
from sercli.protocols import alternative, untrained

if TYPE_CHECKING:
    from sercli.training.plan import Plan


def check_classes(plan: "Plan") -> None:
    """Refuse what would be learned from one class, or tested on a class that was never trained on.

    Raises:
        ConfigError: the scheme selects utterances of one class only, or none of a class that it has.
        ProtocolError: a fold that was chosen has no utterance of a class to train on.
    """
    config, labels = plan.config, plan.selection.labels
    if not config.task.has_classes:
        return
    if len(set(labels.values())) == 1:
        raise ConfigError(
            f"corpus '{config.corpus}', scheme '{config.scheme.name}': all {len(labels)} utterances are of "
            f"one class, {next(iter(labels.values()))}; a network is trained on two classes or more, so "
            "prepare a corpus that has them or choose another --scheme"
        )
    absent = [name for name, count in plan.selection.counts.items() if not count]
    if absent:
        raise ConfigError(
            f"corpus '{config.corpus}', scheme '{config.scheme.name}': no utterance of {', '.join(absent)}; "
            "choose a --scheme without these classes, such as every-emotion"
        )
    lacking = untrained([plan.folds[number - 1] for number in plan.chosen], labels)
    if not lacking:
        return
    name, folds = next(iter(lacking.items()))
    count = plan.selection.counts[name]
    first = plan.folds.index(folds[0]) + 1
    more = f" (as {len(folds) - 1} more)" if len(folds) > 1 else ""
    others = f" (nor of {', '.join(list(lacking)[1:])})" if len(lacking) > 1 else ""
    instead = alternative(list(plan.utterances.values()), labels, dev=plan.protocol.has_dev)
    raise ProtocolError(
        f"class '{name}' has {count} utterance{'s' * (count > 1)}, and fold {first}, {folds[0].name}{more}, "
        f"trains on none of them{others}; leave the class out ({_without(plan, name)}), or take another "
        f"protocol ({instead or 'lists:FILE with folds of your own, or train-on-all, which tests nothing'})"
    )


def _without(plan: "Plan", name: str) -> str:
    """Say how a class is left out of a corpus."""
    corpus = plan.config.corpus
    if corpus in corpus_names() and not get_corpus(corpus).any_name:
        return "choose a --scheme without it"
    labels = plan.selection.labels
    spelled = {each.emotion_raw for each in plan.utterances.values() if labels.get(each.id) == name}
    maps = " ".join(f"--map '{label}=other'" for label in sorted(filter(None, spelled)) or [name])
    return f"prepare the corpus again with {maps}"
