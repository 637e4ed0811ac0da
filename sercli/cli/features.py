"""``sercli features``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sercli.cli._app import App, Group
from sercli.cli._completion import complete_feature, complete_prepared
from sercli.cli._options import AcceleratorOption, DeviceOption, JsonOption, WorkspaceOption, set_option
from sercli.cli._output import loadable, print_waiting, progress_bar
from sercli.errors import ConfigError
from sercli.plain.json import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sercli.records import Utterance
    from sercli.store import FeatureStore, Number
    from sercli.workspace import Workspace

KindOption = Annotated[
    str,
    typer.Option(help="Kind of features, one of `sercli features kinds`.", autocompletion=complete_feature),
]
OriginalsOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the corpus as distributed; needed by kinds with original=true.", show_default=False
    ),
]
VariantsOption = Annotated[
    str | None,
    typer.Option(
        metavar="v1-v8", help="Variants of the kind to compute, as v3, v1,v4 or v1-v8.", show_default=False
    ),
]


_EXAMPLE = "window_ms=40"
SetOption = Annotated[list[str] | None, set_option(_EXAMPLE)]


class _CorpusFirst(Group):
    """``sercli features CORPUS`` computes features; the other commands have names."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the name of the command if it is left out."""
        if args and args[0] not in {*self.commands, *self.get_help_option_names(ctx)}:
            args = ["compute", *args]
        return list(super().parse_args(ctx, args))


app = App(
    cls=_CorpusFirst,
    help="Compute the features of a corpus, or maintain the stores.",
    no_args_is_help=True,
)


@app.command()
def compute(
    corpus: Annotated[str, typer.Argument(autocompletion=complete_prepared, help="Prepared corpus.")],
    *,
    kind: KindOption = "logmel3d",
    variants: VariantsOption = None,
    settings: SetOption = None,
    half: Annotated[
        bool,
        typer.Option(
            "--float16", help="Store the features in half precision, which needs half the disk space."
        ),
    ] = False,
    accelerator: AcceleratorOption = "cpu",
    device: DeviceOption = None,
    originals: OriginalsOption = None,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Compute the features of a corpus, once.

    Only missing features are computed. If the command was interrupted, run it again to continue. Training
    computes missing features by itself.
    """
    from sercli.devices import choose_device
    from sercli.store.compute import compute as run
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    utterances = place.utterances(corpus)
    stores = _stores(place, kind, variants, settings, half)
    family, _, number = (device or accelerator).partition(":")  # --device took cuda:1
    chosen = choose_device(family, f"[{number}]" if number else "auto")
    with progress_bar(f"computing {kind}") as progress:
        computed = run(
            list(stores.values()),
            utterances,
            place.corpus(corpus),
            progress,
            device=str(chosen.torch),
            originals=originals,
            waiting=print_waiting,
        )
    audio = {name: {store.key(utterance) for utterance in utterances} for name, store in stores.items()}
    if json:
        facts = [
            {"variant": name, "path": str(store.path), "frames": sum(map(store.frames, audio[name]))}
            | {"config": store.config.to_dict()}
            for name, store in stores.items()
        ]
        typer.echo(to_json({"computed": computed, "utterances": len(utterances), "stores": facts}))
        return
    there = sum(map(len, audio.values())) - computed
    typer.echo(f"{kind} of {corpus}: {computed} computed, {there} already stored")
    for name, store in stores.items():
        shape = " x ".join(str(size) for size in store.shape)
        frames = sum(map(store.frames, audio[name]))
        total = "one frame for each utterance" if store.config.pooled else f"{frames} frames in total"
        typer.echo(f"  {name + ': ' if name else ''}{shape} x frames, {total}, {store.path}")


@app.command()
def kinds(*, json: JsonOption = False) -> None:
    """List the kinds of features with shapes and settings."""
    from sercli import registry
    from sercli.config import spell
    from sercli.features import feature_names, get_feature

    def describe(name: str) -> dict[str, Any]:
        feature = get_feature(name)
        with registry.blaming("sercli.features", name):
            config = feature.config()
            return {"shape": list(feature.shape(config.described())), "settings": config.to_dict()}

    described = loadable(feature_names(), describe)
    if json:
        typer.echo(to_json(described))
        return
    for name, facts in described.items():
        shape = " x ".join(map(str, facts["shape"]))
        settings = ", ".join(f"{key}={spell(value)}" for key, value in facts["settings"].items())
        typer.echo(f"{name}: {shape} x frames\n  {settings}")


@app.command()
def encoders(*, json: JsonOption = False) -> None:
    """List the short names of pretrained encoders, and which of them are on this machine.

    Other encoders are named by their name on the Hugging Face Hub or by a folder.
    """
    from sercli.encoders import SHORT_NAMES
    from sercli.encoders.finding import known_folder

    there = {name: known_folder(on_hub) for name, on_hub in SHORT_NAMES.items()}
    if json:
        rows = {
            name: {"hub": SHORT_NAMES[name], "folder": path and str(path)} for name, path in there.items()
        }
        typer.echo(to_json(rows))
        return
    for name, path in there.items():
        typer.echo(f"{name:<16} {SHORT_NAMES[name]:<32} {path or 'not on this machine'}")


@app.command()
def fetch(
    encoder: Annotated[str, typer.Argument(help="Short name of an encoder, or its name on the Hub.")],
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit on the Hub.", show_default=False)
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Folder that holds the files of the encoder already; all commands use it instead of a "
            "download, so it must stay where it is.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Download a pretrained encoder, and print its facts.

    Licence, size and place are printed before the download.
    """
    from sercli.encoders.finding import find_encoder, remember_folder
    from sercli.encoders.loading import read_facts

    if folder is not None:
        if revision is not None:
            raise typer.BadParameter("give --revision or --from, not both: a folder has no revisions")
        read_facts(str(folder.absolute()))  # before it is remembered, so that a faulty one never is
        remember_folder(encoder, folder)
    facts = read_facts(encoder, revision)
    place = find_encoder(encoder, revision).folder
    typer.echo(f"{encoder}: {facts.family}, {facts.layers} layers of {facts.size} values")
    typer.echo(f"  licence   {facts.licence or 'not stated; see where you got the encoder'}")
    typer.echo(f"  digest    {facts.tensors}")
    typer.echo(f"  folder    {place}")


@app.command("ls")
def list_stores(*, workspace: WorkspaceOption = None, json: JsonOption = False) -> None:
    """List the feature stores.

    For each store: the settings that differ from the defaults, the number of
    arrays, the size and the corpora.
    """
    from sercli.store.stores import find_stores
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    corpora = _audio_of(place)
    rows: list[dict[str, Any]] = []
    stores = list(find_stores(place.features))
    for found in stores:
        hashes = set(found.store.hashes) if found.store else set()
        store = found.store
        keys = {name: {store.key(u) for u in audio} if store else {""} for name, audio in corpora.items()}
        complete = [name for name, audio in keys.items() if audio <= hashes]
        part = [name for name, audio in keys.items() if audio & hashes and not audio <= hashes]
        rows.append(
            {"store": found.path.name, "kind": found.kind, "settings": found.settings, "arrays": len(hashes)}
            | {"bytes": found.size, "whole": complete, "part": part, "unusable": found.why or None}
        )
    if json:
        typer.echo(to_json(rows))
        return
    for row, found in zip(rows, stores, strict=True):
        shown = (f"{key}={value}" for key, value in row["settings"].items() if not isinstance(value, dict))
        differs = ", ".join(shown) or "default settings"
        typer.echo(f"{row['store']}\n  {differs}")
        size = f"{row['bytes'] / 2**20:.1f} MiB"
        if row["unusable"]:
            typer.echo(f"  {size}, can't be used: {row['unusable']}; {found.remedy}")
            continue
        parts = [*row["whole"], *(f"part of {name}" for name in row["part"])]
        typer.echo(f"  {row['arrays']} arrays, {size}: {', '.join(parts) or 'no prepared corpus'}")
    if not rows:
        typer.echo(f"{place.features}: no features yet")


@app.command()
def verify(*, originals: OriginalsOption = None, workspace: WorkspaceOption = None) -> None:
    """Check all stores and repair them.

    Arrays that do not match their checksums are removed and computed again.
    """
    from sercli.errors import FeatureError
    from sercli.store.stores import find_stores, repair
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    bad, left = 0, 0
    for found in find_stores(place.features):
        if found.store is None:
            typer.echo(f"{found.path.name}: {found.why}; {found.remedy}")
            continue
        result = repair(found.store, place, originals)
        if result.sound:
            typer.echo(f"{found.path.name}: {len(found.store)} arrays, none damaged")
            continue
        bad += result.damaged + result.unreadable
        lines = f", {result.unreadable} lines of the index unreadable" if result.unreadable else ""
        gone = f"; {result.gone} belong to no prepared corpus and were removed" if result.gone else ""
        typer.echo(
            f"{found.path.name}: {result.damaged} arrays were damaged{lines}, "
            f"{result.rebuilt} computed again{gone}"
        )
        left += bool(result.problems)
        for problem in result.problems:
            typer.echo(f"  {problem}")
    typer.echo(f"{bad} damaged" if bad else "nothing damaged")
    if left:
        raise FeatureError(f"{place.features}: damaged stores that could not be repaired: {left}")


@app.command()
def prune(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would be removed, and remove nothing.")
    ] = False,
    unknown: Annotated[
        bool,
        typer.Option(
            "--unknown",
            help="Also remove the stores of kinds that are unknown here, such as those of a plug-in that is "
            "not named.",
        ),
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Remove the stores that cannot be used.

    These are stores of other versions, and of audio that no prepared corpus has. Stores of kinds that are
    unknown here are kept, unless --unknown is given.
    """
    from sercli.store.stores import needless, remove
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    if not place.root.is_dir():
        raise ConfigError(f"{place.root}: no such workspace; correct --workspace, or SERCLI_WORKSPACE")
    in_use = [utterance for utterances in _audio_of(place).values() for utterance in utterances]
    freed = 0
    for found, why in needless(place.features, in_use):
        if found.unknown and not unknown:
            typer.echo(f"kept {found.path.name}: {why}; {found.remedy}")
            continue
        size = found.size
        if not dry_run:
            remove(found)
        freed += size
        typer.echo(f"{'would remove' if dry_run else 'removed'} {found.path.name}: {why}")
    typer.echo(f"{freed / 2**20:.1f} MiB {'to be ' if dry_run else ''}freed")


@app.command()
def show(
    utterance: Annotated[
        str, typer.Argument(help="Id of an utterance, as emodb/03a01Fa, or name of a corpus, as emodb.")
    ],
    *,
    kind: KindOption = "logmel3d",
    variants: VariantsOption = None,
    settings: SetOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Picture to write. [default: NAME-KIND.png]", show_default=False)
    ] = None,
    originals: OriginalsOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Draw the features of one utterance, or one of each emotion."""
    from sercli import figures
    from sercli.errors import unknown
    from sercli.figures.features import Panel, feature_panels
    from sercli.store.compute import extract_one
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    corpus, _, name = utterance.partition("/")
    by_id = {each.id: each for each in place.utterances(corpus)}
    if name and utterance not in by_id:
        raise unknown(f"corpus '{corpus}'", utterance, by_id)
    stores = _stores(place, kind, variants, settings, half=False)
    shown = {"": by_id[utterance]} if name else _one_of_each_emotion(list(by_id.values()), corpus)
    panels = []
    for emotion, each in shown.items():
        arrays = extract_one(each, list(stores.values()), place.corpus(corpus), originals)
        for (variant, store), array in zip(stores.items(), arrays, strict=True):
            title = (
                f"{kind} {variant}".strip() if name else f"{emotion} {variant}: {each.id}".replace(" :", ":")
            )
            panels.append(Panel(title, array, store.feature.frame_rate(store.config)))
    path = out or Path(f"{(name or corpus).replace('/', '-')}-{kind}.png")
    feature = next(iter(stores.values())).feature
    rows = {"mels": "mel filter", "bins": "bin of the FFT"}.get(feature.axes[-2], feature.axes[-2])
    figures.save(
        feature_panels(panels, utterance if name else f"{kind} of {corpus}", rows, feature.units), path
    )
    shapes = ", ".join(dict.fromkeys(" x ".join(map(str, panel.features.shape)) for panel in panels))
    typer.echo(f"{path}: {shapes}")


def _one_of_each_emotion(utterances: "Sequence[Utterance]", corpus: str) -> "dict[str, Utterance]":
    """Choose an utterance of medium length for each emotion, from the speaker who has most emotions.

    If this speaker lacks an emotion, the first speaker with the emotion is used.

    Raises:
        CorpusError: no utterance has an emotion.
    """
    from sercli.errors import CorpusError

    known = sorted((each for each in utterances if each.emotion), key=lambda each: (each.duration, each.id))
    if not known:
        raise CorpusError(f"corpus '{corpus}' has no emotions; name an utterance instead")
    by_speaker: dict[str, set[str]] = {}
    for each in known:
        by_speaker.setdefault(each.speaker or "", set()).add(str(each.emotion))
    speaker = min(by_speaker, key=lambda name: (-len(by_speaker[name]), name))
    chosen = {}
    for emotion in sorted({str(each.emotion) for each in known}):
        having = [each for each in known if each.emotion == emotion]
        own = [each for each in having if (each.speaker or "") == speaker] or having
        chosen[emotion] = own[len(own) // 2]
    return chosen


def _stores(
    place: "Workspace", kind: str, variants: str | None, settings: "Sequence[str] | None", half: bool
) -> "dict[str, FeatureStore]":
    """Open the store of each variant, by its name, or the single store of the kind."""
    from sercli.config import parse_assignments
    from sercli.store.stores import open_stores

    number: Number = "float16" if half else "float32"
    return open_stores(
        place.features, kind, variants, parse_assignments(settings or [], example=_EXAMPLE), number
    )


def _audio_of(place: "Workspace") -> "dict[str, list[Utterance]]":
    """Return the utterances of each prepared corpus."""
    return {name: place.utterances(name) for name in place.prepared()}
