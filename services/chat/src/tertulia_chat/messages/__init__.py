"""Messages: sending one in a single round trip, changing it, reading history, threads and a channel's events."""
