"""``sercli features``."""

import json as json_format
from typing import Annotated

import typer

from sercli.cli._options import JsonOption, SetOption, WorkspaceOption
from sercli.cli._progress import progress_bar


def features(
    corpus: Annotated[str, typer.Argument(help="A prepared corpus.")],
    *,
    kind: Annotated[str, typer.Option(help="Kind of feature.")] = "logmel3d",
    settings: SetOption = None,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Compute a corpus's features, once.

    Only what the store lacks is computed. Training does this by itself.
    """
    from sercli import manifest
    from sercli.config import parse_assignments
    from sercli.features import get_feature
    from sercli.store import FeatureStore
    from sercli.store.compute import compute
    from sercli.workspace import Workspace

    place = Workspace(workspace)
    utterances = manifest.read(place.require(corpus))
    config = get_feature(kind).config(**parse_assignments(settings or []))
    store = FeatureStore(place.features, kind, config)
    with progress_bar(f"computing {kind}") as progress:
        computed = compute(store, utterances, place.corpus(corpus), progress)
    frames = sum(store.frames(sha256) for sha256 in {utterance.sha256 for utterance in utterances})
    if json:
        facts = {
            "path": str(store.path),
            "computed": computed,
            "utterances": len(utterances),
            "frames": frames,
        }
        typer.echo(json_format.dumps(facts | {"config": config.to_dict()}))
        return
    shape = " x ".join(str(size) for size in store.shape)
    typer.echo(f"{kind} of {corpus}: {computed} computed, {len(utterances) - computed} were there")
    typer.echo(f"  store   {store.path}")
    typer.echo(f"  arrays  {shape} x frames, {frames} frames in all")
