"""The search engines: one port, an implementation in this process and one that speaks to a server."""
