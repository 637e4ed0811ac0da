"""What was found as plain types."""

import math
from typing import Any

import numpy as np


def to_plain(value: Any) -> Any:
    """Turn tuples and arrays into lists, at any depth, and NaN into ``None``."""
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
