"""Where a training's figures go besides the run's folder."""

from importlib import import_module
from pathlib import Path

from lightning.pytorch.loggers import Logger

from sercli.errors import ConfigError

LOGGERS = ("csv", "tensorboard", "wandb", "mlflow")


def make_logger(name: str, folder: Path, run: str) -> Logger:
    """Make one of Lightning's loggers.

    Args:
        name: one of `LOGGERS`.
        folder: the trial's; what the logger writes goes into its ``logs``.
        run: name of the run.

    Raises:
        ConfigError: there is no such logger, or its package is not installed.
    """
    if name not in LOGGERS:
        raise ConfigError(f"logger '{name}' is none of {', '.join(LOGGERS)}")
    loggers = import_module("lightning.pytorch.loggers")
    place, title = folder / "logs", f"{run}/{folder.parent.name}/{folder.name}"
    try:
        if name == "csv":
            made = loggers.CSVLogger(folder, name="logs", version="")
        elif name == "tensorboard":
            made = loggers.TensorBoardLogger(folder, name="logs", version="")
        elif name == "wandb":
            place.mkdir(parents=True, exist_ok=True)
            made = loggers.WandbLogger(name=title, save_dir=place, project="sercli")
        else:
            made = loggers.MLFlowLogger("sercli", run_name=title, tracking_uri=place.absolute().as_uri())
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"logger '{name}' needs its package: pip install 'sercli[{name}]' ({error})"
        ) from None
    logger: Logger = made
    return logger
