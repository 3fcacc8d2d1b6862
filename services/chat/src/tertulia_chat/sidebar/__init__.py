"""How somebody arranged a workspace's channels for themselves."""
