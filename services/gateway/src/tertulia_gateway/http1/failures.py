"""What a client is told when a service lets its request down."""

from tertulia_gateway.routes import Route
from tertulia_shared.problems import Problem, TooLarge

NOT_RUNNING_RETRY_S = 300.0
"""Somebody has to start it first."""


class PartNotRunning(Problem):
    code, status, title = "part_not_running", 503, "This installation runs without this part"

    def __init__(self, name: str) -> None:
        super().__init__(f"The {name} service is not part of this installation.", retry_after=NOT_RUNNING_RETRY_S)


class UpstreamFailed(Problem):
    code, status, title = "upstream_failed", 502, "A part of the system broke off in the middle"


class UpstreamTimeout(Problem):
    code, status, title = "upstream_timeout", 504, "A part of the system took too long"


def too_large(route: Route) -> TooLarge:
    return TooLarge(f"At most {route.body_limit} bytes are taken here.")
