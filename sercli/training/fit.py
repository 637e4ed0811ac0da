"""Train the network of a trial in epochs, with Lightning."""

from collections.abc import Callable

import torch

from sercli.devices import Device
from sercli.runs.folder import Trial
from sercli.training import checkpoints
from sercli.training.batch_statistics import reestimate
from sercli.training.callbacks import make_callbacks, out_of_memory, single_utterance
from sercli.training.folds import Parts, plain_training_part
from sercli.training.initial_weights import untrained_network
from sercli.training.module import SERModule, module_of
from sercli.training.plan import Plan
from sercli.training.processes import process_rank, training_process
from sercli.training.trainer import FoldDataModule, make_logger, make_trainer


def build_module(plan: Plan, parts: Parts, seed: int) -> SERModule:
    """Build the untrained module of a trial; the same seed gives the same weights."""
    network, config = untrained_network(plan, seed), plan.config
    counts = parts.class_counts or None
    return module_of(config.architecture)(network, parts.outputs, config.training, counts)


def keep(plan: Plan, trial: Trial, parts: Parts, module: SERModule, device: Device) -> SERModule:
    """Load the weights of the epoch that is kept into the module of a trained trial, and return it."""
    kept = checkpoints.read(trial.checkpoints / ("best.ckpt" if _selects(plan, parts) else "last.ckpt"))
    module.load_state_dict(kept["state_dict"])
    module.kept_epoch = kept["epoch"]
    recipe = plan.config.training
    if recipe.batch_statistics == "reestimated":
        plain = plain_training_part(plan, parts)
        reestimate(module.network, plain, recipe.batch_size, trial.seed, device.torch)
    return module


def fit(
    plan: Plan,
    trial: Trial,
    parts: Parts,
    device: Device,
    report: Callable[[str], None] = lambda line: None,
    logger: str | None = None,
    *,
    compiled: bool = False,
    bar: bool = True,
) -> SERModule:
    """Train the module of a trial, from its last checkpoint if there is one; see `train_trial`."""
    recipe = plan.config.training
    with training_process(recipe):
        module = build_module(plan, parts, trial.seed)
        if compiled:
            module.network.compile()
        last = trial.checkpoints / "last.ckpt"
        if last.exists():
            # Find a damaged checkpoint before an epoch is trained.
            for path in (last, trial.checkpoints / "best.ckpt") if _selects(plan, parts) else (last,):
                checkpoints.check(path, module)
        callbacks = make_callbacks(
            plan.config,
            trial,
            parts.train.ids,
            report,
            selects=_selects(plan, parts),
            logged=logger is not None,
            bar=bar and process_rank(device) == 0,
        )
        trainer = make_trainer(
            device,
            recipe,
            default_root_dir=trial.path,
            max_epochs=recipe.max_epochs,
            callbacks=callbacks,
            logger=make_logger(logger, trial.path, plan.run.name) if logger else False,
        )
        try:
            trainer.fit(
                module,
                FoldDataModule(parts, recipe, trial.seed, device),
                ckpt_path=last if last.exists() else None,
                weights_only=True,
            )
        except SystemExit:  # Lightning raises it at Ctrl-C
            raise KeyboardInterrupt from None
        except torch.cuda.OutOfMemoryError:
            raise out_of_memory(trial, recipe) from None
        except ValueError as error:
            if "Expected more than 1 value per channel" not in str(error):
                raise
            raise single_utterance(trial, recipe) from None
    return module


def _selects(plan: Plan, parts: Parts) -> bool:
    """Return whether the dev part selects an epoch."""
    return plan.config.training.selection != "last" and parts.dev is not None
