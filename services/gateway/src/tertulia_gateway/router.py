"""From a method and a path to the row of the table."""

from dataclasses import dataclass, field

from tertulia_gateway.routes import GET, ROUTES, WEB, Route
from tertulia_shared.problems import MethodNotAllowed, NotFound

# First segments that belong to services and operators. They never fall back to the front end's index.html: a 200 there
# would look like a route.
CLOSED = frozenset({"api", "internal", "metrics", ".well-known", "healthz", "readyz", "schema"})


@dataclass(slots=True)
class _Node:
    literal: dict[str, "_Node"] = field(default_factory=dict[str, "_Node"])
    parameter: "_Node | None" = None
    here: dict[str, Route] = field(default_factory=dict[str, Route])
    rest: dict[str, Route] = field(default_factory=dict[str, Route])


ANY_METHOD = "*"


class Router:
    """A tree over path segments. Raises NotFound and MethodNotAllowed."""

    def __init__(self, routes: tuple[Route, ...] = ROUTES) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        segments = route.path.split("/")[1:]
        for segment in segments[:-1]:
            node = _child(node, segment)
        last = segments[-1]
        methods = node.rest if last.endswith("...}") else _child(node, last).here
        for method in route.methods or (ANY_METHOD,):
            if method in methods:
                raise ValueError(f"two rows for {method} {route.path}")
            methods[method] = route

    def match(self, method: str, path: str) -> Route:
        """The row for a path that `targets.py` found well-formed."""
        segments = path.split("/")
        found = _find(self._root, segments, 1)
        if found is None:
            if segments[1] in CLOSED:
                raise NotFound
            found = {name: WEB for name in GET}
        route = found.get(method) or found.get(ANY_METHOD)
        if route is None:
            raise MethodNotAllowed(headers={"Allow": ", ".join(sorted(found))})
        return route


def _child(node: _Node, segment: str) -> _Node:
    if segment.startswith("{"):
        if node.parameter is None:
            node.parameter = _Node()
        return node.parameter
    return node.literal.setdefault(segment, _Node())


def _find(node: _Node, segments: list[str], depth: int) -> dict[str, Route] | None:
    """The rows of the best match, by method. A parent's `{rest...}` serves the methods that the exact row lacks."""
    if depth == len(segments):
        return node.here or None
    segment = segments[depth]
    exact = node.literal.get(segment)
    found = _find(exact, segments, depth + 1) if exact is not None else None
    if found is None and node.parameter is not None and segment:
        found = _find(node.parameter, segments, depth + 1)
    if not node.rest or not segment:
        return found
    return {**node.rest, **found} if found else node.rest
