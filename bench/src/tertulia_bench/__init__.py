"""Benchmarks and fault scenarios; each ends with one JSON line."""
