"""Training runs: their settings, their identity, and the folders that hold their results."""
