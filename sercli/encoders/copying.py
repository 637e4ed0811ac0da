"""Copy an encoder into the folder of a model: only its settings and the tensors that compute its states."""

import shutil
from pathlib import Path

import torch

from sercli import files
from sercli.encoders import COPIED_BESIDE, EncoderSource
from sercli.encoders.finding import find_encoder
from sercli.encoders.loading import load_encoder, read_tensors

_KEPT = frozenset({torch.float32, torch.float16, torch.bfloat16})


def copy_encoder(source: EncoderSource, folder: Path) -> Path:
    """Write an encoder below a folder, in the number format of its own files.

    The decoder, heads and other tensors that its files may hold are left out. The card and the licence beside
    the weights are copied if they exist.

    Args:
        source: the encoder.
        folder: folder of the model.

    Returns:
        The new folder, ``encoders/<digest>`` below ``folder``.

    Raises:
        FeatureError: the encoder is not on this machine, or not the one that the source names.
    """
    facts = source.facts
    load_encoder(  # checks the facts
        source.model, source.revision, facts.tensors, settings=facts.settings, normalises=facts.normalises
    )
    found = find_encoder(source.model, source.revision)
    place = folder / source.folder
    place.mkdir(parents=True, exist_ok=True)
    for name in COPIED_BESIDE:
        if (found.folder / name).is_file():
            shutil.copyfile(found.folder / name, place / name)
    # This entry may name a folder of this machine.
    files.write_json(place / "config.json", {k: v for k, v in found.config.items() if k != "_name_or_path"})
    tensors = {
        name: (tensor if tensor.dtype in _KEPT else tensor.float()).contiguous().clone()
        for name, tensor in read_tensors(found).items()
    }
    from safetensors.torch import save

    # Not save_file, whose error does not show that the disk is full.
    (place / "model.safetensors").write_bytes(save(tensors))
    return place
