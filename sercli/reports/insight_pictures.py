"""Read the pictures of internal values of networks that a report's folder holds; torch is not needed."""

import base64
from pathlib import Path

from sercli.figures.insight import WARNING

LAYERS = "layers"
"""Name of the picture of the weights of an encoder's layers."""

_CERTAIN = "the utterance of each class that the network gives the highest probability of this class"
# By name of the picture, its caption, and what must stand beside it.
_SHOWN = {
    "channels": ("Weights of each channel attention: the mean over the utterances of each class", ""),
    "attention": (f"Attention of the network: {_CERTAIN}", f". {WARNING}"),
    "occlusion": (f"Fall of the score if a place is quieter: {_CERTAIN}", f". {WARNING}"),
    "projection": ("Embeddings of the test utterances, on their two principal axes", ""),
}


def read_insights(folder: Path) -> dict[str, str]:
    """Read the pictures below a report's folder: those of the run, and those of its first trial.

    Returns:
        ``data:`` addresses by caption.
    """
    found = {}
    layers = folder / f"{LAYERS}.png"
    if layers.exists():
        found["Weights of the layers of the encoder: mean and standard deviation over the trials"] = _address(
            layers
        )
    trials = sorted(path for path in folder.glob("fold-*-seed-*") if path.is_dir())
    for name, (shown, beside) in _SHOWN.items() if trials else ():
        path = trials[0] / f"{name}.png"
        if path.exists():
            found[f"{shown} ({trials[0].name.replace('-', ' ')}){beside}"] = _address(path)
    return found


def _address(picture: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"
