"""Where a network is applied."""

import torch

from sercli.errors import ConfigError


def choose_device(accelerator: str = "auto") -> torch.device:
    """Find the device that was asked for.

    Args:
        accelerator: ``auto`` (a CUDA GPU if there is one), ``cpu`` or ``gpu``.

    Raises:
        ConfigError: there is no such device.
    """
    if accelerator not in {"auto", "cpu", "gpu"}:
        raise ConfigError(f"accelerator '{accelerator}' is none of auto, cpu, gpu")
    if accelerator != "cpu" and torch.cuda.is_available():
        return torch.device("cuda")
    if accelerator == "gpu" and torch.backends.mps.is_available():
        return torch.device("mps")
    if accelerator == "gpu":
        raise ConfigError("accelerator 'gpu': torch finds no GPU; see `sercli doctor`")
    return torch.device("cpu")
