"""Counts what happens: an exact sink into ClickHouse, and reports."""
