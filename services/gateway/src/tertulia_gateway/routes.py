"""The one table that says what passes through the gateway, and the matcher that reads it.

A path that no row matches is not routed: `/internal`, `/metrics` and the like can only be reached by a row that would
have to be written here. Within a path the literal segment wins over `{name}`, and `{name}` over a trailing `{rest...}`.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from tertulia_shared.problems import MethodNotAllowed, NotFound

KIB = 1024
MIB = 1024 * KIB


class Upstream(StrEnum):
    CHAT = "chat"
    NOTIFY = "notify"
    SELF = "gateway"


class Auth(StrEnum):
    PUBLIC = "public"
    """No token is needed; what the request carries is passed on unread."""
    TOKEN = "token"  # noqa: S105 -- the name of a rule
    """A valid access token, or 401 before anything reaches a service."""


class Rate(StrEnum):
    """Names of the buckets in `limits.py`."""

    OPEN = "open"
    CREDENTIALS = "credentials"
    READ = "read"
    WRITE = "write"
    SEND = "send"
    STREAM = "stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row. Times are seconds, sizes bytes.

    `time_limit` bounds the wait for the upstream's first byte and each further silence; None only for streams, which
    may be silent for as long as they like. `body_time` bounds the arrival of the whole request body.
    """

    path: str
    upstream: Upstream
    methods: frozenset[str] | None = None
    auth: Auth = Auth.TOKEN
    rate: Rate = Rate.READ
    body_limit: int = 64 * KIB
    body_time: float = 15.0
    time_limit: float | None = 15.0

    @property
    def streaming(self) -> bool:
        return self.time_limit is None


GET = frozenset({"GET", "HEAD"})
POST = frozenset({"POST"})
PUT_DELETE = frozenset({"PUT", "DELETE"})
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

V1 = "/api/v1"
CHAT = Upstream.CHAT
NOTIFY = Upstream.NOTIFY
SELF = Upstream.SELF

ROUTES: tuple[Route, ...] = (
    # Accounts: the first four speak before a token exists; refresh and logout carry a refresh token or its cookie.
    Route(path=f"{V1}/auth/register", methods=POST, upstream=CHAT, auth=Auth.PUBLIC, rate=Rate.CREDENTIALS),
    Route(path=f"{V1}/auth/login", methods=POST, upstream=CHAT, auth=Auth.PUBLIC, rate=Rate.CREDENTIALS),
    Route(path=f"{V1}/auth/refresh", methods=POST, upstream=CHAT, auth=Auth.PUBLIC, rate=Rate.OPEN),
    Route(path=f"{V1}/auth/logout", methods=POST, upstream=CHAT, auth=Auth.PUBLIC, rate=Rate.OPEN),
    Route(path=f"{V1}/auth/password", methods=POST, upstream=CHAT, rate=Rate.CREDENTIALS),
    # No `{rest...}` here: whatever it let through by another spelling would have another rate than its row.
    Route(path=f"{V1}/auth/logout-all", methods=POST, upstream=CHAT, rate=Rate.WRITE),
    Route(path=f"{V1}/auth/sessions", methods=GET, upstream=CHAT),
    Route(path=f"{V1}/auth/sessions/{{session}}", methods=frozenset({"DELETE"}), upstream=CHAT, rate=Rate.WRITE),
    # Realtime.
    Route(path=f"{V1}/stream", methods=GET, upstream=NOTIFY, rate=Rate.STREAM, time_limit=None),
    Route(path=f"{V1}/events", methods=GET, upstream=NOTIFY, time_limit=75.0),
    Route(path=f"{V1}/channels/{{channel}}/typing", methods=POST, upstream=NOTIFY, rate=Rate.WRITE, body_limit=KIB),
    # Conversation.
    Route(
        path=f"{V1}/channels/{{channel}}/messages",
        methods=POST,
        upstream=CHAT,
        rate=Rate.SEND,
        body_limit=256 * KIB,
    ),
    *(
        row
        for room in ("users", "workspaces", "channels", "invites", "messages")
        for row in (
            Route(path=f"{V1}/{room}", methods=GET, upstream=CHAT, time_limit=30.0),
            Route(path=f"{V1}/{room}", methods=CHANGES, upstream=CHAT, rate=Rate.WRITE),
            Route(path=f"{V1}/{room}/{{rest...}}", methods=GET, upstream=CHAT, time_limit=30.0),
            Route(path=f"{V1}/{room}/{{rest...}}", methods=CHANGES, upstream=CHAT, rate=Rate.WRITE),
        )
    ),
    # The gateway's own.
    Route(path=f"{V1}/status", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN),
    Route(path="/api/openapi.json", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN),
    Route(path="/api/docs", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN),
    Route(path="/api/docs/style.css", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN),
    Route(path="/healthz", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN),
    Route(path="/readyz", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN),
)

WEB = Route(path="/{web}", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN, body_limit=0)
"""Everything outside /api: the web front end."""

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
