"""Workspaces: founding one, who belongs to it, and the codes that let people in."""
