"""Breaking things on purpose, as the fault scenarios do it."""

from tertulia_chaos.faults import delete_stream, kept_down, kill, pid_of, port_of, until_ready

__all__ = ["delete_stream", "kept_down", "kill", "pid_of", "port_of", "until_ready"]
