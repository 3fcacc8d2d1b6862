"""What happens in chat, written into the index."""
