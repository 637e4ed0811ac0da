"""The device that a network runs on, in training and afterwards, and the number format that it trains in."""

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import torch

from sercli.errors import ConfigError, require_choice
from sercli.formatting import count_noun
from sercli.processor import keep_freed_memory
from sercli.runs.training import Precision

_ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")


@dataclass(frozen=True, slots=True)
class Device:
    """One device, or several of a kind that train together, on one machine or more.

    Attributes:
        accelerator: ``cpu``, ``cuda`` or ``mps``.
        indices: numbers of the devices of this machine; of a CPU, one number for each process.
        nodes: number of machines.
        strategy: how several devices share a training, by Lightning's name.
    """

    accelerator: str
    indices: tuple[int, ...] = (0,)
    nodes: int = 1
    strategy: str = "auto"

    @property
    def several(self) -> bool:
        """Whether several processes train together."""
        return len(self.indices) * self.nodes > 1

    @property
    def torch(self) -> torch.device:
        """The first device, as torch names it; a network is applied on one device."""
        return torch.device(f"cuda:{self.indices[0]}" if self.accelerator == "cuda" else self.accelerator)

    @property
    def description(self) -> str:
        """Name of the device, for the record of a run."""
        shares = len(self.indices) * self.nodes
        times = f"{shares} x " if shares > 1 else ""
        if self.accelerator == "cuda":
            return times + torch.cuda.get_device_name(self.indices[0])
        if self.accelerator == "mps":
            return f"Apple GPU ({platform.machine()})"
        return f"{times}{cpu_name()}, {count_noun(torch.get_num_threads(), 'thread')}"

    @property
    def asked(self) -> str:
        """Value of ``--devices`` that chooses it."""
        if self.accelerator == "cuda":
            return f"[{','.join(map(str, self.indices))}]"
        return str(len(self.indices))


def choose_device(
    accelerator: str = "auto", devices: str = "auto", strategy: str = "auto", nodes: int = 1
) -> Device:
    """Choose the device to train on, or to apply a network on.

    Args:
        accelerator: ``auto`` (a CUDA GPU if there is one), ``cpu``, ``gpu``, ``cuda`` or ``mps``.
        devices: ``auto`` or ``1`` for the first one, ``2`` for two, ``[1]`` for the second GPU.
        strategy: how several devices share a training; ``auto`` is ``ddp``.
        nodes: number of machines, started by torchrun or SLURM.

    Raises:
        ConfigError: there is no such device.
    """
    require_choice("accelerator", accelerator, _ACCELERATORS)
    require_choice("strategy", strategy, ("auto", "ddp"))
    indices = _indices(devices)
    if len(indices) * nodes > 1 and strategy == "auto":
        strategy = "ddp"
    if accelerator in {"auto", "gpu", "cuda"} and torch.cuda.is_available():
        if max(indices) >= torch.cuda.device_count():
            raise ConfigError(
                f"devices {devices}: this machine has {torch.cuda.device_count()} GPUs, from [0]"
            )
        return Device("cuda", indices, nodes, strategy)
    if accelerator in {"gpu", "mps"} and torch.backends.mps.is_available():
        return Device("mps")
    if accelerator in {"gpu", "cuda", "mps"}:
        raise ConfigError(f"accelerator '{accelerator}': torch finds no such device; see `sercli doctor`")
    return Device("cpu", indices, nodes, strategy)


def use_device(
    accelerator: str = "auto", devices: str = "auto", strategy: str = "auto", nodes: int = 1
) -> Device:
    """Choose a device, as `choose_device`, and prepare this process for much work on it.

    Only commands call it: on a CPU, the process keeps freed memory from then on.

    Raises:
        ConfigError: there is no such device.
    """
    device = choose_device(accelerator, devices, strategy, nodes)
    if device.accelerator == "cpu":
        keep_freed_memory()
    return device


def resolve_precision(precision: str, device: Device) -> Precision:
    """Replace ``auto`` by the fastest number format of the device; keep others.

    Raises:
        ConfigError: there is no such format, or the device can't train in this format.
    """
    require_choice("precision", precision, get_args(Precision))
    if precision == "16-mixed" and device.accelerator == "cpu":
        raise ConfigError("precision 16-mixed needs a GPU; on a CPU choose bf16-mixed or 32-true")
    if precision != "auto":
        return cast("Precision", precision)
    if device.accelerator == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"
    return "bf16-mixed" if device.accelerator == "cpu" and cpu_multiplies_bf16() else "32-true"


def number_format(precision: Precision) -> torch.dtype | None:
    """Return the short format that most operations use; none if all use 32-bit floats.

    Raises:
        ConfigError: there is no such format, or it is still to be chosen; see `resolve_precision`.
    """
    formats = {"32-true": None, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
    require_choice("precision", precision, formats)
    return formats[precision]


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


def _indices(devices: str) -> tuple[int, ...]:
    text = devices.strip()
    if text == "auto":
        return (0,)
    if text.isdecimal() and int(text) >= 1:
        return tuple(range(int(text)))
    listed = [part.strip() for part in text.removeprefix("[").removesuffix("]").split(",")]
    if text.startswith("[") and text.endswith("]") and all(part.isdecimal() for part in listed):
        return tuple(dict.fromkeys(map(int, listed)))
    raise ConfigError(f"devices {devices}: write 1, 2 for two of them, or [1] for the second GPU")
