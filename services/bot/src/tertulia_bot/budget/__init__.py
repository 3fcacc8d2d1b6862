"""Tokens per workspace and day (UTC): reserved before, settled after, never more than the limit."""
