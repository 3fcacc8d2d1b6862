"""Is what is counted what chat recorded? Compared with chat's log, by hour and type, and where they differ, by id."""
