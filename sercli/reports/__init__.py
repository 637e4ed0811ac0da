"""Write reports for people; they are pure functions of the files of a run."""
