"""Write checkpoints completely or not at all; a resumed training has the same result, even after a move."""

import hashlib
import pickle
import re
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from sercli import files
from sercli.errors import RunError

# A checkpoint ends with this mark and the digits of a SHA-256 of all bytes before the mark.
_MARK, _DIGITS = b"sha256:", 64

_HYPERPARAMETERS = {
    L.LightningModule.CHECKPOINT_HYPER_PARAMS_KEY,
    L.LightningModule.CHECKPOINT_HYPER_PARAMS_NAME,
    L.LightningModule.CHECKPOINT_HYPER_PARAMS_TYPE,
}

# Errors that zipfile and torch raise for damaged bytes.
_DAMAGES = (
    *(RuntimeError, OSError, EOFError, ValueError, LookupError, TypeError, AttributeError),
    *(NotImplementedError, struct.error, zlib.error, pickle.UnpicklingError, BadZipFile),
)


class WholeCheckpoints(TorchCheckpointIO):
    """Write a checkpoint beside its final place, then rename it; Lightning's own class uses ``/tmp``.

    Each file ends with a digest of its bytes, so that a damaged file is detected when it is read.
    """

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: Any,
        storage_options: Any | None = None,  # noqa: ARG002
    ) -> None:
        """Save a checkpoint, without the arguments that ``save_hyperparameters`` records.

        These may be any objects, which `read` refuses, and no training is resumed from them.
        """
        plain = {key: value for key, value in checkpoint.items() if key not in _HYPERPARAMETERS}
        encoded = BytesIO()  # when torch writes to a file, it does not report a full disk
        torch.save(plain, encoded)
        with files.replacing(Path(path)) as temporary:
            temporary.write_bytes(_seal(encoded.getvalue()))

    def load_checkpoint(
        self,
        path: Any,
        map_location: Any | None = None,  # noqa: ARG002
        weights_only: bool | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Read a checkpoint.

        Raises:
            RunError: it is damaged.
        """
        return read(Path(path))


class Checkpoint(ModelCheckpoint):
    """Keep one checkpoint: that of the last epoch, or that of the best epoch if ``monitor`` is given."""

    def __init__(self, folder: Path, name: str, monitor: str | None = None) -> None:
        super().__init__(
            folder,
            filename=name,
            monitor=monitor,
            mode="max",
            enable_version_counter=False,
            # The history's row is written first, so that no checkpoint exists without its row.
            save_on_train_epoch_end=True,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best score and checkpoint so far, even if the workspace has been moved since."""
        old, new = str(state_dict["dirpath"]), str(self.dirpath)
        moved = {
            key: value.replace(old, new) if isinstance(value, str) else value
            for key, value in state_dict.items()
        }
        best = {path.replace(old, new): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict(moved | {"best_k_models": best})


def check(path: Path, module: L.LightningModule) -> None:
    """Make sure that a checkpoint belongs to this module's network.

    Raises:
        RunError: the checkpoint is damaged, or another version of sercli made it from another network.
    """
    kept, own = read(path)["state_dict"], module.state_dict()
    if {name: value.shape for name, value in kept.items()} != {n: v.shape for n, v in own.items()}:
        raise RunError(
            f"{path}: of another network than this sercli builds; remove {path.parent.parent} and train again"
        )


def read(path: Path) -> dict[str, Any]:
    """Read a checkpoint's plain types and tensors.

    Raises:
        RunError: it is missing or damaged, or a plug-in keeps other objects in it.
    """
    again = f"remove {path.parent.parent} and train again"
    try:
        content = path.read_bytes()
        if not _is_intact(content):
            raise RunError(f"{path}: damaged since it was written; {again}")
        checkpoint: dict[str, Any] = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
        checkpoint["state_dict"], checkpoint["epoch"]
    except FileNotFoundError:
        raise RunError(f"{path}: missing; {again}") from None
    except _DAMAGES as error:
        # The bytes are those that were written, so that training again would give the same file.
        if found := re.search(r"Unsupported global: GLOBAL (\S+)", str(error)):
            raise RunError(
                f"{path}: has an object of {found[1]}, and only numbers, texts and tensors are read; let the "
                f"plug-in keep no other objects in its module, optimiser or checkpoints, then {again}"
            ) from None
        raise RunError(f"{path}: damaged; {again}") from None
    return checkpoint


def _seal(content: bytes) -> bytes:
    """Put a digest into the comment at the end of the zip archive that torch writes."""
    body = content[:-2] + (len(_MARK) + _DIGITS).to_bytes(2, "little")  # the length of the comment
    return body + _MARK + hashlib.sha256(body).hexdigest().encode()


def _is_intact(content: bytes) -> bool:
    """Compare a checkpoint's bytes with their digest; older files have none, so check the archive's CRCs."""
    body, end = content[: -len(_MARK) - _DIGITS], content[-len(_MARK) - _DIGITS :]
    if end.startswith(_MARK):
        return end == _MARK + hashlib.sha256(body).hexdigest().encode()
    with ZipFile(BytesIO(content)) as archive:
        return not archive.comment and archive.testzip() is None
