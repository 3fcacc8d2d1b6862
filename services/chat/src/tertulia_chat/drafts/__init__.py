"""Drafts: what somebody has written and not sent, the same on all their devices."""
