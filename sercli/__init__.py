"""Speech emotion recognition from the raw corpus to a defensible table."""

__version__ = "0.1.0"
