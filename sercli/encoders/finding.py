"""Find the files of an encoder on this machine, or download them."""

import logging
import os
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sercli import files
from sercli.encoders import EXTRACTORS, SHORT_NAMES
from sercli.errors import ConfigError, FeatureError, first_line
from sercli.plain.json import from_json
from sercli.plain.yaml import from_yaml

INSTALL = "pretrained encoders need 'transformers': pip install 'sercli[pretrained]'"
USER_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sercli"
"""Folder of the user in which facts and places of encoders are remembered."""

_LOG = logging.getLogger("sercli")
_CONFIG, _CARD = "config.json", "README.md"
BESIDE = (_CONFIG, *EXTRACTORS, _CARD)
"""Files that an encoder may have beside its weights."""
# In the order in which they are preferred. The second is read without running code that it may hold.
_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_UNREAD = frozenset({".pt", ".pth", ".ckpt", ".pkl", ".h5"})
_NEEDED = "it needs model.safetensors or pytorch_model.bin, which `save_pretrained` of transformers writes"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)


@dataclass(frozen=True, slots=True)
class EncoderFiles:
    """The files of an encoder on this machine.

    Attributes:
        folder: folder of the files.
        weights: files with the weights; each is a part of them.
        config: content of ``config.json``.
    """

    folder: Path
    weights: tuple[Path, ...]
    config: Mapping[str, Any]

    @property
    def licence(self) -> str | None:
        """Licence of the weights as the card beside them states it; None without a card."""
        return _licence(self.folder / _CARD)


def find_encoder(model: str, revision: str | None = None) -> EncoderFiles:
    """Find the files of an encoder on this machine, or download them.

    A warning of the logger ``sercli`` states licence, size and place before a download. The folder that
    `remember_folder` was given for a name is preferred, unless a revision is asked for.

    Args:
        model: a folder, a name on the Hugging Face Hub, or a short name.
        revision: branch, tag or commit on the Hub; its main branch if None.

    Raises:
        ConfigError: the name is not valid, a library is missing, or a folder has a revision.
        FeatureError: files are missing, or can't be downloaded.
    """
    name = SHORT_NAMES.get(model, model)
    path = Path(name).expanduser()
    if path.exists() or name.startswith(("/", "./", "../", "~")):
        if path.is_file():
            raise FeatureError(f"{model}: is a file; name its folder, which must hold {_CONFIG} too")
        if not path.is_dir():
            raise FeatureError(f"{model}: no such folder; name the folder that holds the encoder's {_CONFIG}")
        if revision is not None:
            raise ConfigError(
                f"revision={revision}: '{model}' is a folder, which has no revisions; leave it out"
            )
        return _check(path.resolve())
    if not _HUB_NAME.fullmatch(name):
        raise ConfigError(
            f"model={model}: not an encoder; take a folder, OWNER/NAME on the Hugging Face Hub, or one of "
            f"{', '.join(SHORT_NAMES)}"
        )
    return _check(known_folder(name, revision) or _download(name, revision))


def lasting_name(model: str) -> str:
    """Return the name of an encoder that means the same in every directory: folders become absolute."""
    if model in SHORT_NAMES:
        return model
    path = Path(model).expanduser()
    return str(path.resolve()) if path.is_dir() else model


def remember_folder(model: str, folder: Path) -> EncoderFiles:
    """Take a folder for an encoder that has a name, now and in later commands of this user.

    Args:
        model: a name on the Hugging Face Hub, or a short name.
        folder: folder with the files of the encoder; they are not copied.

    Raises:
        ConfigError: the name is not valid.
        FeatureError: the folder is missing or not complete.
    """
    name = SHORT_NAMES.get(model, model)
    if not _HUB_NAME.fullmatch(name):
        raise ConfigError(
            f"'{model}': not the name of an encoder; write a short name, or OWNER/NAME as on the Hub, and "
            "the folder after --from"
        )
    found = find_encoder(str(folder.absolute()))
    place = _place_of(name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(found.folder, target_is_directory=True)
    return found


def _short_name(name: str) -> str:
    """Return the short name of an encoder, or its name on the Hub if it has none."""
    return next((short for short, on_hub in SHORT_NAMES.items() if on_hub == name), name)


def _place_of(name: str) -> Path:
    """Return the link to the folder of an encoder, by its name on the Hub."""
    return USER_CACHE / "encoders" / name.replace("/", "--")


def is_here(model: str, revision: str | None = None) -> bool:
    """Return whether an encoder is on this machine; nothing is downloaded.

    Args:
        model: as for `find_encoder`.
        revision: as for `find_encoder`.
    """
    name = SHORT_NAMES.get(model, model)
    if Path(name).expanduser().is_dir():
        return True
    try:
        return _HUB_NAME.fullmatch(name) is not None and known_folder(name, revision) is not None
    except ConfigError:  # without the Hub's library, nothing is in its cache
        return False


def _check(folder: Path) -> EncoderFiles:
    """Return the files in a folder, if they are complete.

    Raises:
        FeatureError: a file is missing or damaged.
    """
    if not (folder / _CONFIG).is_file():
        raise FeatureError(f"{folder}: {_describe_without_config(folder)}")
    if not any((folder / name).is_file() for name in EXTRACTORS):
        raise FeatureError(
            f"{folder}: has no {EXTRACTORS[0]}; get the complete folder of the encoder again, or copy this "
            "file from the encoder that the model was made from"
        )
    for name in (_CONFIG, *EXTRACTORS):
        if (folder / name).is_file() and (folder / name).read_bytes().startswith(BOM_UTF8):
            raise FeatureError(
                f"{folder / name}: begins with a byte order mark, which transformers does not read; save the "
                "file as UTF-8 without BOM"
            )
    try:
        config = from_json((folder / _CONFIG).read_text(encoding="utf-8"))
    except ValueError:
        config = None
    if not isinstance(config, dict) or "model_type" not in config:
        raise FeatureError(f"{folder / _CONFIG}: not the settings of an encoder; get the file again")
    for file in _WEIGHTS:
        if (folder / file).is_file():
            return EncoderFiles(folder, _parts(folder / file), config)
    raise FeatureError(f"{folder}: {_describe_other_weights(folder) or f'has no weights; {_NEEDED}'}")


def _describe_other_weights(folder: Path) -> str | None:
    """State which files of weights a folder holds that are not read; None if there are none."""
    other = sorted(path.name for path in folder.glob("*") if path.suffix in _UNREAD)
    return f"has only {', '.join(other)}, which sercli does not read; {_NEEDED}" if other else None


def _describe_without_config(folder: Path) -> str:
    """State what a folder without settings is, and what to do."""
    if (folder / "adapter_config.json").is_file():
        return (
            f"holds adapters of PEFT and has no {_CONFIG}; merge them into their encoder "
            "(`merge_and_unload`, then `save_pretrained`), and name that folder"
        )
    if snapshots := sorted(each.name for each in folder.glob("snapshots/*") if each.is_dir()):
        fact = f"has no {_CONFIG}, since it is a folder of the Hub's cache"
        return f"{fact}; name snapshots/{snapshots[0]} below it"
    if not any((folder / name).is_file() for name in _WEIGHTS) and (other := _describe_other_weights(folder)):
        return other
    return f"has no {_CONFIG}; get the complete folder of the encoder again"


def _parts(file: Path) -> tuple[Path, ...]:
    """List the files of weights that an index names, or the one file."""
    if file.suffix != ".json":
        return (file,)
    try:
        names = sorted(set(from_json(file.read_text(encoding="utf-8-sig"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FeatureError(f"{file}: damaged; get the file again") from None
    parts = tuple(file.parent / Path(str(name)).name for name in names)
    for part in parts:
        if not part.is_file():
            raise FeatureError(f"{file.parent}: has no {part.name}, which {file.name} names; get it again")
    return parts


def _licence(card: Path) -> str | None:
    """Read the licence out of the first lines of a card, which are YAML between two lines of ``---``."""
    try:
        text = card.read_text(encoding="utf-8")
        stated = from_yaml(text.split("---")[1]).value["license"] if text.startswith("---") else None
    except (OSError, ValueError, IndexError, KeyError, TypeError):
        return None
    return str(stated) if stated else None


def known_folder(name: str, revision: str | None = None) -> Path | None:
    """Return the folder of an encoder that was given for its name, or downloaded; None if there is neither.

    Args:
        name: its name on the Hub.
        revision: branch, tag or commit on the Hub; its main branch, or the folder that was given, if None.

    Raises:
        ConfigError: a library is missing.
    """
    place = _place_of(name)
    if revision is None and place.is_dir():
        return place.resolve()
    return cached_encoder(name, revision)


def cached_encoder(name: str, revision: str | None = None) -> Path | None:
    """Return the folder of an encoder that was downloaded before; None if it is not there completely.

    Args:
        name: its name on the Hub.
        revision: branch, tag or commit on the Hub; its main branch if None.

    Raises:
        ConfigError: a library is missing.
    """
    folder = _cached_folder(name, revision)
    if folder is None:
        return None
    try:
        _check(folder)
    except FeatureError:
        return None
    return folder


def _cached_folder(name: str, revision: str | None) -> Path | None:
    """Return the folder of an encoder in the cache, which may lack files."""
    # Not snapshot_download, which misses the files of the repository that encoders do not need.
    found = _hub().try_to_load_from_cache(name, _CONFIG, revision=revision)
    return Path(found).parent if isinstance(found, str) else None


def _download(name: str, revision: str | None) -> Path:
    """Download the files of an encoder into the cache of the Hub's library.

    Raises:
        FeatureError: there is no such encoder, it needs an access permission, or the Hub can't be reached.
    """
    hub = _hub()
    errors, place = hub.errors, name if revision is None else f"{name} at revision {revision}"
    try:
        info = hub.HfApi().model_info(name, revision=revision, files_metadata=True)
        sizes = {each.rfilename: each.size or 0 for each in info.siblings}
        weights = next((file for file in _WEIGHTS if file in sizes), None)
        if weights is None:
            raise FeatureError(
                f"{name}: has neither model.safetensors nor pytorch_model.bin; take another encoder"
            )
        stem = weights.split(".")[0]
        suffix = ".safetensors" if "safetensors" in weights else ".bin"
        wanted = [
            file
            for file in sizes
            if file in {*BESIDE, weights}
            or (weights.endswith(".index.json") and file.startswith(stem) and file.endswith(suffix))
        ]
        licence = getattr(info.card_data, "license", None) or "not stated"
        cache = Path(hub.constants.HF_HUB_CACHE)
        size = sum(sizes[file] for file in wanted)
        _LOG.warning("downloading %s: %.0f MB, licence %s, to %s", place, size / 1e6, licence, cache)
        _check_space(cache, size)
        # By the name of the revision, not by its commit, so that the cache finds it by this name again.
        return Path(hub.snapshot_download(name, revision=revision, allow_patterns=wanted))
    except errors.GatedRepoError:
        raise FeatureError(
            f"{place}: needs a permission; ask for it on the encoder's page on the Hub, then log in with "
            "`hf auth login`"
        ) from None
    except errors.RevisionNotFoundError:
        raise FeatureError(f"{place}: no such revision; take a branch, tag or commit of its page") from None
    except errors.RepositoryNotFoundError:
        raise FeatureError(
            f"{place}: no such encoder on the Hub (or it is private); check the name, or log in with "
            "`hf auth login`"
        ) from None
    except (transport_error(), errors.OfflineModeIsEnabled, OSError, RuntimeError) as error:
        if isinstance(error, FeatureError):
            raise
        raise FeatureError(_describe_unreachable(name, revision, error)) from None


def _describe_unreachable(name: str, revision: str | None, error: Exception) -> str:
    """State why an encoder can't be downloaded, what the cache lacks, and what to do."""
    place, command = name, f"sercli features fetch {_short_name(name)}"
    remedy = "add --from FOLDER if you have its folder"
    if revision is not None:
        place, command = f"{name} at revision {revision}", f"{command} --revision {revision}"
        remedy = "name its folder as the model and leave the revision out"
    cause, first = first_line(error, 300).rstrip("."), "check the network"
    if isinstance(error, _hub().errors.OfflineModeIsEnabled):
        cause, first = "offline mode is set", "unset HF_HUB_OFFLINE"
    if (folder := _cached_folder(name, revision)) is not None:
        try:
            _check(folder)
        except FeatureError as incomplete:
            cause += f") and its copy in the cache is not complete ({str(incomplete).split(';')[0]}"
    return f"{place}: the Hub can't be reached ({cause}); {first} and run `{command}`, or {remedy}"


def transport_error() -> type[Exception]:
    """Return the base of all errors of the HTTP library that the Hub's library uses.

    It is httpx's, or that of requests in releases before 1.0.
    """
    from huggingface_hub.errors import HfHubHTTPError

    return next(base for base in HfHubHTTPError.__mro__[1:] if base.__name__ == "HTTPError")


def _check_space(cache: Path, size: int) -> None:
    free = files.free_bytes(cache)
    if free < size:
        raise FeatureError(
            f"{cache}: {free / 1e6:.0f} MB are free, {size / 1e6:.0f} MB are needed; set HF_HOME to a folder "
            "with more space"
        )


def _hub() -> Any:
    """Return the Hub's library.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError:
        raise ConfigError(INSTALL) from None
    return huggingface_hub
