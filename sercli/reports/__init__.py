"""Pages for people: pure functions of what a run wrote."""
