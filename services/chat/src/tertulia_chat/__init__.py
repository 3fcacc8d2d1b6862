"""The conversation: accounts, workspaces, channels, messages and the event log."""
