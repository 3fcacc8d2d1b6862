"""Messages: sending one in a single round trip, reading history, and the log of a channel's events."""
