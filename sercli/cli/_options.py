"""Define the options that several commands share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from sercli.cli._completion import (
    complete_arch,
    complete_protocol,
    complete_run,
    complete_scheme,
    complete_study,
)

if TYPE_CHECKING:
    from sercli.manifest.turns import TurnList
    from sercli.studies import Assignment
    from sercli.voice import VoiceConfig

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        envvar="SERCLI_WORKSPACE",
        help="Folder that holds corpora, features and runs. [default: ./sercli-workspace]",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DrawsOption = Annotated[
    int, typer.Option(min=100, max=1_000_000, help="Number of bootstrap draws over speakers.")
]


def set_option(example: str) -> Any:
    """Make the option ``--set``, whose help shows an example."""
    return typer.Option(
        "--set", metavar="KEY=VALUE", help=f"Set one setting, for example {example}; may be repeated."
    )


SetOption = Annotated[list[str] | None, set_option("model.attention=false")]
VadOption = Annotated[
    bool,
    typer.Option(
        "--vad", help="Find the speech in each recording, and use each turn of it as an utterance of its own."
    ),
]
VadSetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--vad-set",
        metavar="KEY=VALUE",
        help="Change how --vad finds speech: detector (energy or silero), threshold, least_s, most_s, gap_s "
        "or pad_s, for example detector=silero; may be repeated.",
    ),
]
SegmentsOption = Annotated[
    Path | None,
    typer.Option(
        help="List of turns (start, end and speaker), each used as an utterance of its own: RTTM, labels of "
        "Audacity, a table or JSON.",
        show_default=False,
    ),
]
SchemeOption = Annotated[
    str | None,
    typer.Option(
        autocompletion=complete_scheme,
        help="Scheme that selects utterances and classes, for example emodb-4, or a YAML file with your own. "
        "[default: the scheme of the protocol or of the corpus]",
        show_default=False,
    ),
]
ClassesOption = Annotated[
    str | None,
    typer.Option(
        metavar="LABELS",
        help="Classes in place of a scheme: labels to keep, merge or rename, for example "
        "anger,happiness+excitement=joy,neutral.",
        show_default=False,
    ),
]
TargetsOption = Annotated[
    str | None,
    typer.Option(
        "--targets",
        metavar="DIMENSIONS",
        help="Dimensions of utterances to learn, for example arousal,valence; beside the classes, if a "
        "scheme or classes are named too.",
        show_default=False,
    ),
]
LabelsOption = Annotated[
    Literal["corpus", "majority", "plurality", "votes"] | None,
    typer.Option(
        help="Source of the labels: the corpus itself, the majority or the plurality of its raters, or the "
        "distribution of their votes (soft labels). [default: that of the scheme]",
        show_default=False,
    ),
]
UnknownSpeakersOption = Annotated[
    Literal["error", "train", "drop"] | None,
    typer.Option(
        help="What a speaker-independent protocol does with utterances of unknown speakers: refuse them "
        "(error), use them only for training (train) or leave them out (drop). [default: error]",
        show_default=False,
    ),
]
ProtocolOption = Annotated[
    str | None,
    typer.Option(
        autocompletion=complete_protocol,
        help="Protocol that makes the folds, for example leave-one-speaker-out, or lists:PATH for your own "
        "folds and those of other tools.",
    ),
]
ArchOption = Annotated[
    str | None, typer.Option(help="Architecture, one of `sercli models`.", autocompletion=complete_arch)
]
AcceleratorOption = Annotated[str, typer.Option(help="Kind of device: auto, cpu, gpu, cuda or mps.")]
UnsureBelowOption = Annotated[
    float | None,
    typer.Option(
        help="Mark predictions with a lower probability as unsure. [default: the threshold of the bundle]",
        show_default=False,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        help="YAML file with settings; the config.yaml of a run repeats that run.",
        dir_okay=False,
        exists=True,
    ),
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="FIELD=COLUMN",
        help="Name the column that holds a field, for example speaker=who; an empty name, as in gender=, "
        "switches the field off; may be repeated.",
        show_default=False,
    ),
]
TestedByOption = Annotated[
    str | None,
    typer.Option(
        metavar="RUN",
        autocompletion=complete_run,
        help="For a model trained on all utterances: a run on folds with equal settings, whose metrics "
        "go into the model card.",
        show_default=False,
    ),
]

StudyArgument = Annotated[
    str,
    typer.Argument(
        help="Name of a study, or a YAML file with your own study.", autocompletion=complete_study
    ),
]
RowsOption = Annotated[
    list[str] | None,
    typer.Option(help="Rows to use: a name, a part of a name, or numbers such as 1,3-5; may be repeated."),
]
OnOption = Annotated[
    str | None,
    typer.Option(
        help="Columns to use, separated by commas: a scheme or corpus of the study, or another as "
        "SCHEME or CORPUS/SCHEME[:PROTOCOL]."
    ),
]
MaxEpochsOption = Annotated[int | None, typer.Option(help="Maximum number of epochs.")]


_Value = TypeVar("_Value", str | None, list[str] | None)


def _renamed(new: str) -> Callable[[_Value], _Value]:
    """Make a callback that names the present spelling of an option."""

    def note(values: _Value) -> _Value:
        if values:
            typer.echo(f"note: this option is now called {new}", err=True)
        return values

    return note


FoldOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fold",
        metavar="NUMBERS",
        help="Folds to train: all, 2, 1,4 or 1-3; may be repeated. [default: all]",
        show_default=False,
    ),
]
SeedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--seed",
        metavar="NUMBERS",
        help="Seeds for weights and batches: 5, 0,1 or 0-2; each seed trains every fold; may be "
        "repeated. [default: 0]",
        show_default=False,
    ),
]
FoldsOption = Annotated[list[str] | None, typer.Option("--folds", hidden=True, callback=_renamed("--fold"))]
DeviceOption = Annotated[
    str | None, typer.Option("--device", hidden=True, callback=_renamed("--accelerator"))
]
SeedsOption = Annotated[list[str] | None, typer.Option("--seeds", hidden=True, callback=_renamed("--seed"))]


def chosen_folds(*given: Sequence[str] | None) -> str:
    """Join the folds of all spellings and repetitions of an option.

    Raises:
        BadParameter: they are not numbers.
    """
    texts = [text for texts in given for text in texts or ()]
    if not texts or "all" in texts:
        return "all"
    _numbers("--fold", texts)
    return ",".join(texts)


def chosen_seeds(*given: Sequence[str] | None) -> tuple[int, ...]:
    """Join the seeds of all spellings and repetitions of an option.

    Raises:
        BadParameter: they are not numbers.
    """
    return _numbers("--seed", [text for texts in given for text in texts or ()] or ["0"])


def _numbers(option: str, texts: Sequence[str]) -> tuple[int, ...]:
    from sercli.errors import ProtocolError
    from sercli.protocols import parse_numbers

    try:
        return parse_numbers(option, ",".join(texts))
    except ProtocolError as error:
        raise typer.BadParameter(str(error)) from None


def column_pairs(pairs: Sequence[str]) -> dict[str, str]:
    """Split the pairs of ``--column``; an empty column says that the table has none for this field.

    Raises:
        BadParameter: an item is not such a pair, or a field has two columns.
    """
    return key_values("--column", "FIELD=COLUMN", pairs, empty=True)


def key_values(option: str, form: str, pairs: Sequence[str], *, empty: bool = False) -> dict[str, str]:
    """Split ``key=value`` items; keys and values stay unchanged text.

    Args:
        option: the option as users write it.
        form: what a pair consists of, for messages, such as ``FIELD=COLUMN``.
        pairs: the items.
        empty: allows empty values.

    Raises:
        BadParameter: an item is not such a pair, seems to hold several, or a key has two values.
    """
    split: dict[str, str] = {}
    for pair in pairs:
        key, _, value = pair.rpartition("=")
        if not key or not (value or empty):
            raise typer.BadParameter(f"'{pair}': write {option} {form}")
        first, equals, rest = key.partition("=")
        if equals and "," in rest:
            raise typer.BadParameter(f"'{pair}': write {option} again for each pair, as {option} {first}=...")
        if split.setdefault(key, value) != value:
            raise typer.BadParameter(f"'{pair}': {option} has {key}={split[key]} already; give it once")
    return split


def find_turns(
    *, vad: bool, vad_set: list[str] | None, segments: Path | None
) -> "VoiceConfig | TurnList | None":
    """Read ``--vad``, ``--vad-set`` and ``--segments``; none without ``--vad`` and ``--segments``.

    Raises:
        ConfigError: a setting is unknown or wrong, or the detector is not installed.
        ManifestError: the list can't be read.
    """
    if vad and segments is not None:
        raise typer.BadParameter("give --vad or --segments, not both")
    if vad_set and not vad:
        raise typer.BadParameter("--vad-set changes how --vad finds speech; add --vad")
    if segments is not None:
        from sercli.manifest.turns import read_turns

        return read_turns(segments)
    if not vad:
        return None
    from sercli.config import parse_assignments
    from sercli.errors import ConfigError
    from sercli.voice import VoiceConfig, get_detector

    settings = parse_assignments(vad_set or [], "--vad-set", "detector=silero")
    try:
        config = VoiceConfig(**settings)
    except ConfigError as error:
        raise ConfigError(f"--vad-set: {error}") from None
    get_detector(config.detector).require()
    return config


def columns_of(on: str | None) -> list[str] | None:
    """Read ``--on``."""
    return None if on is None else [each.strip() for each in on.split(",") if each.strip()]


def changes_of(settings: list[str], max_epochs: int | None) -> "list[Assignment]":
    """Read the changes that apply to every row."""
    from sercli.config import parse_assignments

    parse_assignments(settings)  # refuses two values of a setting
    changes: list[Assignment] = []
    for item in settings:
        value = parse_assignments([item])
        name = item.partition("=")[0]
        for part in name.split("."):
            value = value[part]
        changes.append((name, value))
    if max_epochs is not None:
        if any(name == "training.max_epochs" and value != max_epochs for name, value in changes):
            raise typer.BadParameter("give --max-epochs or --set training.max_epochs, not both")
        changes.append(("training.max_epochs", max_epochs))
    return changes
