"""Contracts and plumbing that two services need."""
