"""Faults on purpose, and the proof that nothing was lost; each scenario ends with one JSON line."""
