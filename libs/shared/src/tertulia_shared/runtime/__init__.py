"""How a process lives: it starts its components, serves HTTP, says whether it is ready, drains, and ends."""

from tertulia_shared.runtime.health import Health
from tertulia_shared.runtime.process import Component, Process, run_process
from tertulia_shared.runtime.routes import health_routes
from tertulia_shared.runtime.tasks import spawn

__all__ = ["Component", "Health", "Process", "health_routes", "run_process", "spawn"]
