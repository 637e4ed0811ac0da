"""Describe the machine of a measurement, as far as the results depend on it."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import torch

from sercli.devices import cpu_name
from sercli.runs import provenance

# Flags for wide registers, and for the multiplication of bf16 or 8-bit numbers.
_FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "asimd", "sve", "bf16")


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine, and its other load.

    Attributes:
        processor: name of the processor.
        cores: number of cores that this process may use.
        threads: number of threads that torch uses.
        flags: abilities of the processor that matter here.
        memory_gib: memory of the machine; ``None`` if it is unknown.
        gpu: name, memory and CUDA's version; ``None`` without a GPU.
        system: operating system.
        versions: versions of Python, sercli and the packages that decide its speed.
        commit: commit of a sercli that runs from its repository.
        load: mean number of running processes in the minute before; ``None`` if it is unknown.
    """

    processor: str
    cores: int
    threads: int
    flags: tuple[str, ...]
    memory_gib: float | None
    gpu: str | None
    system: str
    versions: dict[str, str]
    commit: str | None
    load: float | None

    def lines(self) -> dict[str, str]:
        """Describe the machine to a reader, line by line."""
        names = {name: self.versions.get(name, "unknown") for name in ("sercli", "python", "torch")}
        cores = f"{self.cores} cores, {self.threads} used by torch"
        return {
            "processor": ", ".join(part for part in (self.processor, cores, " ".join(self.flags)) if part),
            "memory": "unknown" if self.memory_gib is None else f"{self.memory_gib:g} GiB",
            "gpu": self.gpu or "none",
            "system": self.system,
            "versions": ", ".join(f"{name} {version}" for name, version in names.items()),
            "load": "unknown" if self.load is None else f"{self.load:g} in the minute before",
        }


def examine() -> Machine:
    """Collect the facts about this machine."""
    return Machine(
        processor=cpu_name(),
        cores=_cores(),
        threads=torch.get_num_threads(),
        flags=flags(Path("/proc/cpuinfo")),
        memory_gib=_memory(),
        gpu=_gpu(),
        system=platform.platform(),
        versions=provenance.versions(),
        commit=provenance.commit(),
        load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    )


def flags(path: Path) -> tuple[str, ...]:
    """Read the abilities of the first processor from Linux's description; empty if there is none."""
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in {"flags", "Features"}:  # on x86, on ARM
                return tuple(flag for flag in _FLAGS if flag in value.split())
    return ()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> float | None:
    if not hasattr(os, "sysconf"):  # Windows
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)


def _gpu() -> str | None:
    if not torch.cuda.is_available():
        return None
    found = torch.cuda.get_device_properties(0)
    more = f", the first of {torch.cuda.device_count()}" if torch.cuda.device_count() > 1 else ""
    return f"{found.name}, {found.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}{more}"
