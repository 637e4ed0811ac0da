"""Write a bundle's network for other programs: ONNX, or torch's own exported programs.

Two of each: ``network``, from standardised features to scores, and ``speech``, from samples to
probabilities (see `sercli.inference.graph`). Each program is run after it is written, and its
scores must agree with those of the network.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from sercli.audio import SAMPLE_RATE
from sercli.bundle import Bundle
from sercli.errors import ConfigError, RunError, first_line
from sercli.inference import NO_SCORES
from sercli.inference.graph import SpeechNetwork, example_samples, least_frames, network_example
from sercli.models import NETWORK_ERRORS, get_architecture
from sercli.plain.json import to_json

Format = Literal["onnx", "pt2"]

TOLERANCE = 1e-4
"""How far an exported program may be from the network."""

_LONGEST_S = 3600
_MOST = 1024  # of a batch
_STATED = ("title", "licence", "notice", "protocol", "fold")


@dataclass(frozen=True, slots=True)
class Exported:
    """A program that was written, or the reason why it was not.

    Attributes:
        name: of the file.
        difference: the largest difference from the network, on noise.
        why_not: reason why it was not written.
    """

    name: str
    difference: float | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Program:
    module: nn.Module
    example: Mapping[str, Tensor]
    varying: Mapping[str, Mapping[int, Any]]
    output: str
    facts: Mapping[str, Any]


def export_programs(bundle: Bundle, folder: Path, kind: Format) -> list[Exported]:
    """Write ``network`` and ``speech`` into a folder, in one format.

    Raises:
        ConfigError: what the format needs is not installed.
        RunError: the scores of a program differ from those of the network.
    """
    write, run = (_write_onnx, _run_onnx) if kind == "onnx" else (_write_pt2, _run_pt2)
    if kind == "onnx":
        _require_onnx()
    done = []
    makers: dict[str, Callable[[Bundle], _Program]] = {"network": _network, "speech": _speech}
    for name, make in makers.items():
        file = f"{name}.{kind}"
        try:
            program = make(bundle)
        except ConfigError as error:
            done.append(Exported(file, why_not=str(error)))
            continue
        with _quietly(), torch.no_grad():
            batch = dict(program.example)
            try:
                exported = torch.export.export(
                    program.module, (), batch, dynamic_shapes=dict(program.varying)
                )
                write(exported, folder / file, program)
            except NETWORK_ERRORS as error:
                (folder / file).unlink(missing_ok=True)
                fact = f"{type(error).__name__}: {first_line(error)}"
                why_not = f"torch can't export '{bundle.arch}' ({fact})"
                done.append(Exported(file, why_not=why_not))
                continue
            expected = program.module(**batch)
            if not bool(expected.isfinite().all()):
                raise RunError(f"{file}: {NO_SCORES} (of noise, which each program is tested with)")
            difference = float((run(folder / file, batch) - expected).abs().max())
        if not difference <= TOLERANCE:
            raise RunError(f"{file}: {difference:.2g} from the network, {TOLERANCE:g} is allowed")
        done.append(Exported(file, difference))
    return done


def _network(bundle: Bundle) -> _Program:
    example, varies = network_example(bundle)
    if not get_architecture(bundle.arch).lengths_vary:
        example.pop("mask")
    batch = Dim("batch", max=_MOST)
    rate = min(choice.frame_rate for choice in bundle.inputs.values())
    frames = Dim("frames", min=least_frames(bundle), max=int(_LONGEST_S * rate))
    varying = {name: {0: batch} | ({x.ndim - 1: frames} if varies else {}) for name, x in example.items()}
    return _Program(_Scores(bundle), example, varying, _name_output(bundle, "logits"), _facts(bundle))


def _speech(bundle: Bundle) -> _Program:
    network_example(bundle)  # says why, if lengths are not what can be exported
    module = SpeechNetwork(bundle).eval()
    varying: dict[int, Any] = {0: Dim("batch", max=_MOST)}
    if module.samples is None:
        varying[1] = Dim("length", min=module.least, max=module.most or _LONGEST_S * SAMPLE_RATE)
    facts = {
        "sample_rate": SAMPLE_RATE,
        "samples": module.samples,
        "least_samples": module.least,
        "most_samples": module.most,
    }
    output = _name_output(bundle, "probabilities")
    return _Program(module, example_samples(module), {"samples": varying}, output, _facts(bundle) | facts)


def _name_output(bundle: Bundle, of_classes: str) -> str:
    """Return the name of a program's output: numbers of classes, values, or both, one after the other."""
    names = ([of_classes] if bundle.classes else []) + (["values"] if bundle.outputs.dimensions else [])
    return "_and_".join(names)


class _Scores(nn.Module):
    """A network with calibrated logits, whose mask may be left out: all frames are the utterance's then."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__()
        self.network = bundle.network
        self.outputs = bundle.outputs

    def forward(self, x: Tensor, wave: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            mask = torch.ones(x.shape[0], x.shape[-1], dtype=torch.bool, device=x.device)
        inputs = {"x": x} if wave is None else {"x": x, "wave": wave}
        scores: Tensor = self.network(**inputs, mask=mask)
        if self.outputs.temperature == 1.0:
            return scores
        count = len(self.outputs.classes)
        return torch.cat([scores[:, :count] / self.outputs.temperature, scores[:, count:]], dim=1)


def _facts(bundle: Bundle) -> dict[str, Any]:
    return {
        "classes": list(bundle.classes),
        "dimensions": list(bundle.outputs.dimensions),
        **(
            {"means": bundle.outputs.means, "deviations": bundle.outputs.deviations}
            if bundle.outputs.means
            else {}
        ),
        **({"temperature": bundle.outputs.temperature} if bundle.outputs.temperature != 1.0 else {}),
        "architecture": bundle.arch,
        "segments": bundle.segments.to_dict(),
        "training": {key: bundle.facts.get(key) for key in _STATED},
    }


def _write_onnx(exported: ExportedProgram, path: Path, program: _Program) -> None:
    made = torch.onnx.export(exported, dynamo=True, verbose=False, output_names=[program.output])
    if made is None:
        raise RunError(f"{path.name}: torch exported nothing")
    for key, value in program.facts.items():
        made.model.metadata_props[f"sercli.{key}"] = to_json(value)
    made.save(path)


def _run_onnx(path: Path, inputs: Mapping[str, Tensor]) -> Tensor:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {name: x.numpy() for name, x in inputs.items()})
    return torch.from_numpy(scores)


def _write_pt2(exported: ExportedProgram, path: Path, program: _Program) -> None:
    facts = {f"sercli.{key}": to_json(value) for key, value in program.facts.items()}
    exported.example_inputs = None
    torch.export.save(exported, path, extra_files=facts)


def _run_pt2(path: Path, inputs: Mapping[str, Tensor]) -> Tensor:
    scores: Tensor = torch.export.load(path).module()(**inputs)
    return scores


def _require_onnx() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"ONNX needs '{error.name}': pip install 'sercli[onnx]'") from None


@contextmanager
def _quietly() -> Iterator[None]:
    """Hide messages of the exporter itself, such as that of a missing torchvision, from the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
