"""Draw figures for papers and pages; each function draws one, and none uses pyplot or its state."""

import base64
import io
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.figure import Figure

from sercli import files
from sercli.errors import ConfigError

_SUFFIXES = {".png": "png", ".pdf": "pdf", ".svg": "svg"}
# Without these settings a file would contain the time and random identifiers, and would never be the same.
_UNDATED: dict[str, dict[str, None]] = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
_FIXED: dict[Any, Any] = {"svg.hashsalt": "sercli", "pdf.fonttype": 42}  # 42: text, not outlines
_DPI = 200


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, PDF or SVG by the suffix of ``path``, completely or not at all.

    Raises:
        ConfigError: another suffix.
    """
    kind = check_suffix(path)
    with files.replacing(path) as temporary, mpl.rc_context(_FIXED):
        figure.savefig(temporary, format=kind, dpi=_DPI, metadata=_UNDATED[kind])


def check_suffix(path: Path) -> str:
    """Return the format that a file's suffix stands for: png, pdf or svg.

    Raises:
        ConfigError: another suffix.
    """
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(f"{path}: figures are written as .png, .pdf or .svg, not '{path.suffix}'")
    return kind


def to_data_uri(figure: Figure, kind: Literal["png", "svg"] = "svg") -> str:
    """Return a figure as a ``data:`` address with transparent background; equal figures give equal text."""
    buffer = io.BytesIO()
    with mpl.rc_context(_FIXED):
        figure.savefig(buffer, format=kind, dpi=_DPI, metadata=_UNDATED[kind], facecolor="none")
    mime = {"png": "image/png", "svg": "image/svg+xml"}[kind]
    return f"data:{mime};base64,{base64.b64encode(buffer.getvalue()).decode()}"
