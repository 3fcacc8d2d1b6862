"""Messages: sending one in a single round trip, what its text names, changing and forwarding it, what it said before;
reading the conversation, threads and a channel's events."""
