"""Write reports for people; they are pure functions of the files of a run."""

SURE = 0.8
"""Target accuracy among the predictions that are not marked unsure."""
