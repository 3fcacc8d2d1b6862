"""Marks on messages: reactions and pins, which the channel sees, and what somebody saved for themselves."""
