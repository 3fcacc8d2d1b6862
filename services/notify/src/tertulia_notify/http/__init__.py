"""What clients call: the stream, the long poll, typing."""
