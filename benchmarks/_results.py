"""Store, print and draw the results of a measurement."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from benchmarks import Row
from benchmarks._machine import Machine
from sercli.errors import ConfigError

# End of the names of sercli's own rows, which the picture need not repeat.
_OURS = (": ours", ": sercli")


@dataclass(slots=True)
class Results:
    """Rows by stage, and the machine of the measurement; ``quick`` results only prove that the stages run."""

    machine: Machine
    quick: bool
    stages: dict[str, list[Row]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the results as plain types, ready for JSON."""
        return asdict(self)

    def compared(self) -> dict[str, dict[str, float]]:
        """Return the relative speeds by heading and label; stages without peers are left out.

        Raises:
            ConfigError: no stage has a peer.
        """
        compared: dict[str, dict[str, float]] = {}
        for stage, rows in self.stages.items():
            peers = {row.peer for row in rows if row.ratio is not None}
            heading = f"{stage}, against {min(peers)}" if len(peers) == 1 else stage
            for row in rows:
                if row.ratio is not None:
                    label = _label(row.name) if len(peers) == 1 else f"{_label(row.name)}, against {row.peer}"
                    compared.setdefault(heading, {})[label] = row.ratio
        if not compared:
            raise ConfigError(f"nothing to draw: no peers in {', '.join(self.stages) or 'no stage'}")
        return compared


def read(path: Path) -> Results:
    """Read the output of `python -m benchmarks --json`.

    Raises:
        ConfigError: the file is not such an output.
    """
    try:
        return TypeAdapter(Results).validate_json(path.read_bytes())
    except ValueError:
        raise ConfigError(f"{path}: not what `python -m benchmarks --json` prints; measure again") from None


def _label(name: str) -> str:
    for ending in _OURS:
        name = name.removesuffix(ending)
    return name
