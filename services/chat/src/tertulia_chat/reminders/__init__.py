"""Being reminded of a message at some time."""
