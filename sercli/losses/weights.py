"""Provisional."""


def class_weights(counts, alpha=None):
    alpha = alpha or 1 / len(counts)
    return [alpha * sum(counts) / c for c in counts]
