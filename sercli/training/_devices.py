"""Which device trains, and in which number format."""

import platform
from dataclasses import dataclass
from pathlib import Path

import torch

from sercli.errors import ConfigError
from sercli.runs.config import Precision


@dataclass(frozen=True, slots=True)
class Device:
    """One device to train on.

    Attributes:
        accelerator: ``cpu``, ``cuda`` or ``mps``.
        index: which one, where there are several.
    """

    accelerator: str
    index: int = 0

    @property
    def torch(self) -> torch.device:
        """The device as torch names it."""
        return torch.device(f"cuda:{self.index}" if self.accelerator == "cuda" else self.accelerator)

    @property
    def description(self) -> str:
        """The device's name, for the record beside a figure."""
        if self.accelerator == "cuda":
            return torch.cuda.get_device_name(self.index)
        if self.accelerator == "mps":
            return f"Apple GPU ({platform.machine()})"
        return f"{cpu_name()}, {torch.get_num_threads()} threads"


def choose(accelerator: str = "auto", devices: str = "auto") -> Device:
    """Find the device that was asked for.

    Args:
        accelerator: ``auto`` (a GPU if there is one), ``cpu``, ``gpu``, ``cuda`` or ``mps``.
        devices: ``auto`` or ``1`` for the first one, ``[1]`` for the second GPU, and so on.

    Raises:
        ConfigError: there is no such device, or more than one was asked for.
    """
    known = ("auto", "cpu", "gpu", "cuda", "mps")
    if accelerator not in known:
        raise ConfigError(f"accelerator '{accelerator}' is none of {', '.join(known)}")
    index = _index(devices)
    if accelerator in {"auto", "gpu", "cuda"} and torch.cuda.is_available():
        if index >= torch.cuda.device_count():
            raise ConfigError(
                f"devices {devices}: this machine has {torch.cuda.device_count()} GPUs, from [0]"
            )
        return Device("cuda", index)
    if accelerator in {"gpu", "mps"} and torch.backends.mps.is_available():
        return Device("mps")
    if accelerator in {"gpu", "cuda", "mps"}:
        raise ConfigError(f"accelerator '{accelerator}': torch finds no such device; see `sercli doctor`")
    return Device("cpu")


def resolve_precision(precision: Precision, device: Device) -> Precision:
    """Turn ``auto`` into the format that the device does well; leave others as they are.

    Raises:
        ConfigError: the device can't train in the format asked for.
    """
    if precision == "16-mixed" and device.accelerator == "cpu":
        raise ConfigError("precision 16-mixed needs a GPU; on a CPU choose bf16-mixed or 32-true")
    if precision != "auto":
        return precision
    if device.accelerator == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"
    return "bf16-mixed" if device.accelerator == "cpu" and cpu_multiplies_bf16() else "32-true"


def cpu_multiplies_bf16() -> bool:
    """Whether the CPU has instructions that multiply bf16 (AMX or AVX-512); else bf16 gains nothing."""
    return not {"amx_bf16", "avx512_bf16"}.isdisjoint(_cpuinfo("flags").split())


def cpu_name() -> str:
    """Name of the CPU's model."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _cpuinfo(key: str) -> str:
    """Look a key up in Linux's description of the first CPU; empty where there is none."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return ""


def _index(devices: str) -> int:
    text = devices.strip()
    if text in {"auto", "1"}:
        return 0
    if text.startswith("[") and text.endswith("]") and text[1:-1].strip().isdigit():
        return int(text[1:-1])
    raise ConfigError(
        f"devices {devices}: a trial trains on one device; write 1, or [1] for the second GPU, "
        "and start other folds on the others"
    )
