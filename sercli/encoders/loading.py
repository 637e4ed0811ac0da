"""Load an encoder from its files, and learn its facts."""

import hashlib
import importlib
import importlib.util
import sys
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from sercli import files
from sercli.audio import SAMPLE_RATE
from sercli.audio.kinds import HEAD_BYTES, Kind, Sort, recognise
from sercli.config import digest
from sercli.encoders import EXTRACTORS, EncoderFacts
from sercli.encoders.encoder import FAMILIES, HOP, WHISPER_FRAMES, WINDOW, Encoder, Family, holder_of
from sercli.encoders.finding import BESIDE, INSTALL, USER_CACHE, EncoderFiles, find_encoder
from sercli.errors import ConfigError, FeatureError, first_line
from sercli.plain.json import from_json

# Used in training only, and missing in some files.
_OPTIONAL = frozenset({"masked_spec_embed"})
# Entries of config.json that change the states of the same tensors. Sizes change the tensors themselves.
_DECIDING = (
    "model_type",
    "num_attention_heads",
    "activation_function",
    "hidden_act",
    "feat_extract_activation",
    "feat_extract_norm",
    "feat_proj_layer_norm",
    "layer_norm_eps",
    "do_stable_layer_norm",
    "conv_stride",
    "conv_pos_batch_norm",
    "max_bucket_distance",
    "position_embeddings_type",
    "left_max_position_embeddings",
    "right_max_position_embeddings",
    "rotary_embedding_base",
)
_NUMBERS = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})
_PICKLED = (b"PK", b"\x80")  # a zip archive, or pickled at once in files of the format before torch 1.6
_MOST_REMEMBERED = 500
_FACTS = "3"  # changed when other facts are read, so that remembered ones are read again

_LOADING = threading.Lock()


def read_facts(model: str, revision: str | None = None) -> EncoderFacts:
    """Return the facts of an encoder, which is downloaded if it is not on this machine.

    Facts are remembered in the user's cache folder for as long as the files of the weights do not change.

    Args:
        model: a folder, a name on the Hugging Face Hub, or a short name.
        revision: branch, tag or commit on the Hub; its main branch if None.

    Raises:
        ConfigError: the name is not valid, or a library is missing.
        FeatureError: the encoder is not complete, not of a known family, or has other faults.
    """
    found = find_encoder(model, revision)
    _family_of(found)
    key = _key(found)
    remembered = _read_remembered()
    try:
        return EncoderFacts(**remembered[key])
    except (KeyError, TypeError, ConfigError):
        pass
    encoder = _load(found)
    facts = EncoderFacts(
        tensors=digest_tensors(encoder.model),
        family=_family_of(found)[0],
        layers=len(holder_of(encoder.model).layers),
        size=encoder.size,
        licence=found.licence,
        normalises=_normalises(encoder),
        settings=digest_settings(encoder),
    )
    kept = dict(list(remembered.items())[-_MOST_REMEMBERED:]) | {key: facts.to_dict()}
    try:
        _REMEMBERED.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(_REMEMBERED, kept)
    except OSError:  # a cache that can't be written costs seconds, and nothing else
        pass
    return facts


def load_encoder(
    model: str,
    revision: str | None,
    tensors: str,
    device: str = "cpu",
    family: Family | None = None,
    *,
    settings: str | None = None,
    normalises: bool | None = None,
) -> Encoder:
    """Load an encoder for evaluation, in float32; calls with equal arguments share it, in all threads.

    Args:
        model: a folder, a name on the Hugging Face Hub, or a short name.
        revision: branch, tag or commit on the Hub.
        tensors: digest that its tensors must have.
        device: where it computes.
        family: how it is computed; as its family is by default.
        settings: digest that its settings must have; None if they are not known.
        normalises: whether it must normalise samples; None if this is not known.

    Raises:
        ConfigError: the name is not valid, or a library is missing.
        FeatureError: the encoder is not on this machine, or not the one of these facts.
    """
    with _LOADING:  # two threads would load it twice
        encoder = _load_once(model, revision, tensors, settings, device, family)
    if normalises not in (None, _normalises(encoder)):
        raise _other_settings(find_encoder(model, revision))
    return encoder


@lru_cache(maxsize=2)
def _load_once(
    model: str, revision: str | None, tensors: str, settings: str | None, device: str, family: Family | None
) -> Encoder:
    if (place := Path(model).expanduser()).is_absolute() and not place.exists():
        raise FeatureError(
            f"{model}: the encoder's folder is no longer there; put it back, or make a link to it there"
        )
    found = find_encoder(model, revision)
    encoder = _load(found, family)
    there = digest_tensors(encoder.model)
    if there != tensors:
        raise FeatureError(
            f"{found.folder}: not the encoder that is needed (digest {there}, needed {tensors}); get the "
            f"files of {model} that the features, run or bundle was made with"
        )
    if settings not in (None, digest_settings(encoder)):
        raise _other_settings(found)
    return encoder.to(device)


def _other_settings(found: EncoderFiles) -> FeatureError:
    return FeatureError(
        f"{found.folder}: not the encoder that is needed: the tensors are the same, but other settings in "
        "its JSON files give other states; get the JSON files that the features, run or bundle was made with"
    )


def _normalises(encoder: Encoder) -> bool | None:
    return bool(encoder.extractor.do_normalize) if encoder.takes_samples else None


def digest_tensors(model: nn.Module) -> str:
    """Hash the tensors of a model by name, in half precision, to 16 hexadecimal digits."""
    hashed = hashlib.sha256()
    for name, tensor in sorted(_tensors_of(model).items()):
        if name in _OPTIONAL:
            continue
        half = tensor.detach().to("cpu", torch.float16).contiguous()
        hashed.update(f"{name} {list(half.shape)}\n".encode())
        hashed.update(half.numpy().tobytes())
    return hashed.hexdigest()[:16]


def digest_settings(encoder: Encoder) -> str:
    """Hash the settings that decide what the tensors of an encoder compute, to 16 hexadecimal digits.

    Names, number formats, heads of other tasks and settings of training have no part in it.
    """
    names = ("do_normalize",) if encoder.takes_samples else ("n_fft", "hop_length", "stride")
    parts = (encoder.model.config, _DECIDING), (encoder.extractor, names)
    values = [{name: getattr(part, name) for name in given if hasattr(part, name)} for part, given in parts]
    return digest(values, 16)


def untrained_encoder(size: int) -> Encoder:
    """Build a Whisper tiny encoder with random weights and states of ``size`` values.

    Raises:
        ConfigError: transformers is missing.
    """
    with importing_transformers(), torch.device("cpu"):
        _transformers()
        from transformers import WhisperConfig, WhisperFeatureExtractor
        from transformers.models.whisper.modeling_whisper import WhisperEncoder

        config = WhisperConfig(d_model=size, encoder_layers=4, encoder_attention_heads=size // 64 or 1)
        model: Any = WhisperEncoder(config)
        extractor: Any = WhisperFeatureExtractor()  # type: ignore[no-untyped-call]
        return Encoder(FAMILIES["whisper"], model.eval(), extractor)


def read_tensors(found: EncoderFiles) -> dict[str, Tensor]:
    """Read the tensors of an encoder as its files have them, without decoder, heads and other tensors.

    Raises:
        ConfigError: a library is missing.
        FeatureError: the files are damaged, or not of an encoder of a known family.
    """
    model, _ = _build(found)
    return _read_wanted(_tensors_of(model), model.base_model_prefix, found)


def _load(found: EncoderFiles, family: Family | None = None) -> Encoder:
    _, usual = _family_of(found)
    model, extractor = _build(found)
    _fill(model, found)
    if found.config.get("conv_pos_batch_norm"):
        # The normalisation before the positions makes padding non-zero, which would leak back.
        usual = replace(usual, batched=False)
    return Encoder(family or usual, model.eval(), extractor)


def _build(found: EncoderFiles) -> tuple[Any, Any]:
    """Build a model with random weights, and its extractor."""
    name, _ = _family_of(found)
    # Another default device, such as torch's meta device, would give tensors without values.
    with importing_transformers(), torch.random.fork_rng(devices=[]), torch.device("cpu"):
        library = _transformers()
        try:
            config = library.AutoConfig.from_pretrained(found.folder, local_files_only=True)
            config.dtype = torch.float32  # config.json may ask for half precision
            extractor = library.AutoFeatureExtractor.from_pretrained(found.folder, local_files_only=True)
            if name == "whisper":
                from transformers.models.whisper.modeling_whisper import WhisperEncoder

                model: Any = WhisperEncoder(config)
            else:
                model = library.AutoModel.from_config(config)
        except Exception as error:  # noqa: BLE001  # settings from anywhere may raise anything
            raise FeatureError(
                f"{found.folder}: transformers can't read its settings ({first_line(error)}); get them again"
            ) from None
    _check_extractor(found, extractor)
    _check_rates(found, extractor)
    return model, extractor


def _transformers() -> Any:
    """Import transformers; to be called within `importing_transformers`."""
    try:
        return importlib.import_module("transformers")
    except ImportError:
        raise ConfigError(INSTALL) from None


def _family_of(found: EncoderFiles) -> tuple[str, Family]:
    kind = str(found.config["model_type"])
    for name, family in FAMILIES.items():
        if kind in family.model_types:
            return name, family
    known = ", ".join(kind for family in FAMILIES.values() for kind in family.model_types)
    raise FeatureError(
        f"{found.folder}: '{kind}' is not an encoder of speech that sercli knows; take one of {known}"
    )


def _check_rates(found: EncoderFiles, extractor: Any) -> None:
    """Refuse an encoder of another sample rate, number of frames a second, or length of Whisper's windows."""
    rate = getattr(extractor, "sampling_rate", None)
    if rate != SAMPLE_RATE:
        raise FeatureError(
            f"{found.folder}: takes audio at {rate} Hz, prepared audio has {SAMPLE_RATE} Hz; "
            "take another encoder"
        )
    if found.config["model_type"] in FAMILIES["whisper"].model_types:
        positions = found.config.get("max_source_positions", WHISPER_FRAMES)
        if (positions, extractor.n_samples) != (WHISPER_FRAMES, WHISPER_FRAMES * HOP):
            raise FeatureError(
                f"{found.folder}: encodes {positions} frames of {extractor.n_samples / SAMPLE_RATE:g} s of "
                f"audio, sercli needs {WHISPER_FRAMES} frames of 30 s; take another encoder"
            )
    strides = found.config.get("conv_stride")
    if found.config["model_type"] in FAMILIES["waveform"].model_types and strides is not None:
        hop, window = 1, 1
        for kernel, stride in zip(found.config["conv_kernel"], strides, strict=True):
            window, hop = window + (kernel - 1) * hop, hop * stride
        if (window, hop) != (WINDOW, HOP):
            raise FeatureError(
                f"{found.folder}: its frames have {window} samples every {hop}, known are {WINDOW} every "
                f"{HOP}; take another encoder"
            )


def _check_extractor(found: EncoderFiles, extractor: Any) -> None:
    """Refuse an extractor that does not belong to the encoder.

    Raises:
        FeatureError: it is made for another family, or gives another number of bands.
    """
    name, _ = _family_of(found)
    if name in ("whisper", "w2v-bert"):
        takes, bands = "input_features", extractor.feature_size * getattr(extractor, "stride", 1)
        key = "num_mel_bins" if name == "whisper" else "feature_projection_input_dim"
        wanted = found.config.get(key, bands)
    else:
        takes, bands, wanted = "input_values", extractor.feature_size, 1
    if takes not in extractor.model_input_names or bands != wanted:
        files_of_it = " or ".join(each for each in EXTRACTORS if (found.folder / each).is_file())
        raise FeatureError(
            f"{found.folder}: {files_of_it} is of another encoder ({type(extractor).__name__}, "
            f"{bands} bands; needed are {wanted}); get both files from the same place"
        )


def _fill(model: Any, found: EncoderFiles) -> None:
    """Read the weights into a model."""
    wanted = _tensors_of(model)
    for name, tensor in _read_wanted(wanted, model.base_model_prefix, found).items():
        wanted[name].data.copy_(tensor)


def _tensors_of(model: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of a model by their names in files."""
    return {_file_name(name): tensor for name, tensor in model.state_dict().items()}


def _read_wanted(wanted: Mapping[str, Tensor], base: str, found: EncoderFiles) -> dict[str, Tensor]:
    """Read the weights of these names and shapes, without decoder, heads and what else the files hold.

    Args:
        wanted: tensors of these shapes by name.
        base: what usually precedes the names where the files hold more than the encoder.
        found: the files.

    Raises:
        FeatureError: several encoders are there, or a tensor is missing, quantised, of another shape, or not
            finite.
    """
    tensors: dict[str, Tensor] = {}
    for file in found.weights:
        tensors.update(_read(file))
    tensors = {_file_name(name): tensor for name, tensor in tensors.items()}
    needed = [name for name in wanted if name not in _OPTIONAL]
    prefix = _choose_prefix(tensors, needed, base, found)
    missing = [name for name in needed if prefix + name not in tensors]
    if missing and "quantization_config" in found.config:
        raise _quantised(found)
    if missing:
        raise FeatureError(
            f"{found.folder}: the weights lack {len(missing)} of {len(needed)} tensors, for example "
            f"{missing[0]}; get the folder of the encoder again"
        )
    read = {name: tensors[prefix + name] for name in wanted if prefix + name in tensors}
    for name, given in read.items():
        tensor = wanted[name]
        if tensor.is_floating_point() and given.dtype not in _NUMBERS:
            raise _quantised(found)
        if given.shape != tensor.shape:
            raise FeatureError(
                f"{found.folder}: {name} is {list(given.shape)} in the weights, {list(tensor.shape)} by "
                "config.json; get both files from the same place"
            )
        if not torch.isfinite(given).all():
            raise FeatureError(
                f"{found.folder}: {name} holds values that are not finite; get the weights again"
            )
    return read


def _choose_prefix(names: Collection[str], needed: Sequence[str], base: str, found: EncoderFiles) -> str:
    """Choose what precedes the names of an encoder's tensors in files that may hold several encoders.

    Raises:
        FeatureError: several encoders are complete, and none of them has a usual prefix.
    """
    probe = max(needed, key=len)
    prefixes = sorted(name.removesuffix(probe) for name in names if name.endswith(probe))
    counts = {prefix: sum(prefix + name in names for name in needed) for prefix in prefixes}
    complete = [prefix for prefix, count in counts.items() if count == len(needed)]
    for usual in ("", f"{base}.", f"{base}.encoder.", "encoder."):
        if usual in complete:
            return usual
    if len(complete) > 1:
        listed = ", ".join(f"{each}*" for each in complete)
        raise FeatureError(
            f"{found.folder}: the weights hold several encoders ({listed}); keep the tensors of one of them"
        )
    return max(prefixes, key=counts.__getitem__, default="")


def _quantised(found: EncoderFiles) -> FeatureError:
    return FeatureError(
        f"{found.folder}: the weights are quantised, which sercli does not read; get the files in float32, "
        "float16 or bfloat16"
    )


def _read(file: Path) -> Mapping[str, Tensor]:
    """Read a file of tensors; code that it may hold is not run.

    Raises:
        FeatureError: it is damaged, or holds more than tensors.
    """
    from pickle import UnpicklingError
    from zipfile import BadZipFile

    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with file.open("rb") as opened:
        head = opened.read(HEAD_BYTES)
    kind = recognise(head)
    if kind is not None and kind.sort is Sort.POINTER:
        raise FeatureError(
            f"{file}: a git-lfs pointer in place of the weights; run `git lfs pull` in its folder"
        )
    if file.suffix != ".safetensors" and head and not head.startswith(_PICKLED):
        raise _no_weights(file, kind)
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        read = _read_pickled(file)
    except UnpicklingError:
        raise FeatureError(
            f"{file}: holds Python objects, which could run code; take a revision with model.safetensors"
        ) from None
    except (SafetensorError, BadZipFile, RuntimeError, EOFError, ValueError) as error:
        if kind is not None and file.suffix == ".safetensors":
            raise _no_weights(file, kind) from None
        raise FeatureError(f"{file}: damaged ({first_line(error)}); get the file again") from None
    if not isinstance(read, dict) or not all(isinstance(each, Tensor) for each in read.values()):
        raise FeatureError(
            f"{file}: holds no tensors by name; get the weights as `save_pretrained` writes them"
        )
    return read


def _no_weights(file: Path, kind: Kind | None) -> FeatureError:
    name = "no file of weights" if kind is None else kind.name
    return FeatureError(f"{file}: it is {name}; get the file again")


def _read_pickled(file: Path) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError:  # files of the format before torch 1.6 can't be mapped
        return torch.load(file, map_location="cpu", weights_only=True)


def _file_name(name: str) -> str:
    """Give a tensor the name that it has in files; modules use other names for a normalised weight."""
    for inside, outside in (("original0", "g"), ("original1", "v")):
        name = name.replace(f"parametrizations.weight.{inside}", f"weight_{outside}")
    return name


_REMEMBERED = USER_CACHE / "encoders.json"


def _read_remembered() -> dict[str, Any]:
    try:
        remembered = from_json(_REMEMBERED.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return remembered if isinstance(remembered, dict) else {}


def _key(found: EncoderFiles) -> str:
    """Name the files of an encoder such that a change of one of them changes the name."""
    parts = [*(found.folder / name for name in BESIDE if (found.folder / name).is_file()), *found.weights]
    stats = [(path.resolve(), path.stat()) for path in parts]
    lines = [_FACTS, *(f"{path} {stat.st_size} {stat.st_mtime_ns}" for path, stat in stats)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@contextmanager
def importing_transformers() -> Iterator[None]:
    """Let transformers import where torchaudio is installed, but was built for another torch.

    transformers imports torchaudio wherever it is installed, for functions that encoders do not use. An empty
    module takes its place meanwhile, and is removed afterwards.
    """
    name = "torchaudio"
    if name in sys.modules or "transformers.audio_utils" in sys.modules or not importlib.util.find_spec(name):
        yield
        return
    stand_in = ModuleType(name)
    stand_in.__spec__ = ModuleSpec(name, None)
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]
