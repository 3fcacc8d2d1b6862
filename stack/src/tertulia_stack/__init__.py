"""The tertulia command: the whole system on one machine, without Docker."""
