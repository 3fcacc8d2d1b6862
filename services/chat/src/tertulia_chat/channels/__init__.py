"""Channels and direct conversations: opening them, finding them, who is in them."""
