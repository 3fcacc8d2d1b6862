"""One module a scenario: `run(arena, size)` answers the JSON line, `FULL` and `SHORT` are its sizes."""
