"""ClickHouse: embedded in this process (chDB) or a server, through one and the same client.

The client is synchronous, so every call runs on the warehouse's own threads and never on the event loop. chDB allows
one process per directory and gets exactly one thread; a server gets a few, so that reports do not wait for each other.
Only this package imports `clickhouse_connect`, and only when the warehouse is opened: that takes seconds and memory.
"""
