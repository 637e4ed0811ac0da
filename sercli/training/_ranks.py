"""Which of several processes this is, where they train one trial together."""

import os
import threading
import time

from sercli.training._devices import Device

# As torchrun, SLURM and Lightning's own launcher say it, in the order in which Lightning looks.
_VARIABLES = ("RANK", "LOCAL_RANK", "SLURM_PROCID")


def rank(device: Device) -> int:
    """Return the number of this process; zero where it is the first or the only one.

    Somebody who starts several trainings of one device each, under SLURM say, has no ranks.
    """
    if not device.several:
        return 0
    for name in _VARIABLES:
        if os.environ.get(name, "").isdecimal():
            return int(os.environ[name])
    return 0


def launched() -> bool:
    """Whether somebody else has started the processes: torchrun, or Lightning in the first of them."""
    return "LOCAL_RANK" in os.environ or "RANK" in os.environ


def leave_with(parent: int) -> None:
    """End this process when the one that started it is gone, so that a killed command leaves none at work."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
