"""Choose the launcher of a study's trials: this machine, or a cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sercli.devices import Device
    from sercli.runs.training import Precision
    from sercli.training.jobs import Launch

LauncherOption = Annotated[
    str, typer.Option(help="Where trials are trained: local (this machine) or ray (a Ray cluster).")
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        help="Address of the Ray cluster's head node, HOST:PORT. [default: RAY_ADDRESS, or a cluster on "
        "this machine]",
        show_default=False,
    ),
]
CpusOption = Annotated[
    float | None,
    typer.Option(
        help="CPUs, and so threads, for each trial on a cluster. [default: 1]", min=0.1, show_default=False
    ),
]
GpusOption = Annotated[
    float | None,
    typer.Option(
        help="GPUs for each trial on a cluster; 0.5 puts two trials on one GPU. [default: 1 if there "
        "are any]",
        min=0,
        max=1,
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """Launcher options of the command line."""

    launcher: str
    address: str | None
    cpus: float | None
    gpus: float | None
    accelerator: str
    devices: str
    jobs: int

    def check(self) -> None:
        """Refuse options of the other launcher."""
        if self.launcher not in {"local", "ray"}:
            raise typer.BadParameter(
                f"{self.launcher} is not known; use local or ray", param_hint="--launcher"
            )
        if self.launcher == "local":
            given = {"--address": self.address, "--cpus-per-trial": self.cpus, "--gpus-per-trial": self.gpus}
            foreign, instead = [name for name, value in given.items() if value is not None], "ray"
        else:
            named = {"--jobs": self.jobs != 1, "--devices": self.devices != "auto"}
            foreign, instead = [name for name, value in named.items() if value], "local"
        if foreign:
            raise typer.BadParameter(f"is only for --launcher {instead}", param_hint=foreign[0])


@dataclass(frozen=True, slots=True)
class Launcher:
    """Launcher of the trials.

    Attributes:
        device: device of a trial.
        here: device of this machine, for the work that is done here.
        jobs: number of trials at once.
        description: description of the device.
        precision: precision that ``auto`` means, if this machine's device does not decide it.
        launch: function that trains elsewhere; ``None`` means this machine.
    """

    device: "Device"
    here: "Device"
    jobs: int
    description: str
    precision: "Precision | None" = None
    launch: "Launch | None" = None


@contextmanager
def launcher(asked: Asked) -> Iterator[Launcher]:
    """Prepare the chosen launcher."""
    from sercli.devices import choose_device, use_device

    if asked.launcher == "local":
        device = use_device(asked.accelerator, asked.devices)
        several = f", {asked.jobs} at once" if asked.jobs > 1 else ""
        yield Launcher(device, device, asked.jobs, device.description + several)
        return
    from sercli.studies.cluster.connection import connected

    cpus = 1.0 if asked.cpus is None else asked.cpus
    say = lambda line: typer.echo(line, err=True)  # noqa: E731
    with connected(asked.address, cpus, asked.gpus, asked.accelerator, say) as cluster:
        yield Launcher(
            cluster.device,
            choose_device(),
            cluster.slots,
            cluster.description,
            cluster.precision,
            cluster.launch,
        )
