"""The one table that says what passes through the gateway; `router.py` reads it.

A path that no row matches is not routed: `/internal`, `/metrics` and the like can only be reached by a row that would
have to be written here. Within a path the literal segment wins over `{name}`, and `{name}` over a trailing `{rest...}`.
"""

from dataclasses import dataclass
from enum import StrEnum

KIB = 1024
MIB = 1024 * KIB


class Upstream(StrEnum):
    CHAT = "chat"
    NOTIFY = "notify"
    SEARCH = "search"
    BOT = "bot"
    ANALYTICS = "analytics"
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
    SEARCH = "search"
    COMMAND = "command"
    REPORT = "report"
    SPANS = "spans"


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
PUT = frozenset({"PUT"})
PATCH = frozenset({"PATCH"})
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

V1 = "/api/v1"
WORKSPACE = f"{V1}/workspaces/{{workspace}}"
CHANNEL = f"{V1}/channels/{{channel}}"
CHAT = Upstream.CHAT
NOTIFY = Upstream.NOTIFY
BOT = Upstream.BOT
SELF = Upstream.SELF

ROUTES: tuple[Route, ...] = (
    # Accounts: the first five speak before a token exists; refresh and logout carry a refresh token or its cookie.
    Route(path=f"{V1}/auth/register", methods=POST, upstream=CHAT, auth=Auth.PUBLIC, rate=Rate.CREDENTIALS),
    Route(path=f"{V1}/auth/first-run", methods=GET, upstream=CHAT, auth=Auth.PUBLIC, rate=Rate.OPEN),
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
    Route(path=f"{CHANNEL}/typing", methods=POST, upstream=NOTIFY, rate=Rate.WRITE, body_limit=KIB),
    Route(path=f"{V1}/presence", methods=GET, upstream=NOTIFY),
    Route(path=f"{V1}/presence/subscriptions", methods=PUT, upstream=NOTIFY, rate=Rate.WRITE, body_limit=32 * KIB),
    Route(path=f"{V1}/presence/activity", methods=PUT, upstream=NOTIFY, rate=Rate.WRITE, body_limit=KIB),
    # Conversation.
    Route(
        path=f"{CHANNEL}/messages",
        methods=POST,
        upstream=CHAT,
        rate=Rate.SEND,
        body_limit=256 * KIB,
    ),
    # What may hold a whole message's text.
    Route(path=f"{V1}/messages/{{message}}", methods=PATCH, upstream=CHAT, rate=Rate.WRITE, body_limit=256 * KIB),
    Route(path=f"{CHANNEL}/draft", methods=PUT, upstream=CHAT, rate=Rate.WRITE, body_limit=256 * KIB),
    Route(path=f"{WORKSPACE}/scheduled", methods=POST, upstream=CHAT, rate=Rate.WRITE, body_limit=256 * KIB),
    Route(path=f"{V1}/scheduled/{{scheduled}}", methods=PATCH, upstream=CHAT, rate=Rate.WRITE, body_limit=256 * KIB),
    *(
        row
        for room in (
            "users",
            "workspaces",
            "channels",
            "invites",
            "messages",
            "threads",
            "reports",
            "scheduled",
            "reminders",
        )
        for row in (
            Route(path=f"{V1}/{room}", methods=GET, upstream=CHAT, time_limit=30.0),
            Route(path=f"{V1}/{room}", methods=CHANGES, upstream=CHAT, rate=Rate.WRITE),
            Route(path=f"{V1}/{room}/{{rest...}}", methods=GET, upstream=CHAT, time_limit=30.0),
            Route(path=f"{V1}/{room}/{{rest...}}", methods=CHANGES, upstream=CHAT, rate=Rate.WRITE),
        )
    ),
    # Search and reports.
    Route(path=f"{WORKSPACE}/search", methods=GET, upstream=Upstream.SEARCH, rate=Rate.SEARCH),
    Route(
        path=f"{WORKSPACE}/analytics/{{report}}",
        methods=GET,
        upstream=Upstream.ANALYTICS,
        rate=Rate.REPORT,
        time_limit=30.0,
    ),
    # Commands and what they start.
    Route(path=f"{WORKSPACE}/commands", methods=GET, upstream=BOT),
    Route(
        path=f"{CHANNEL}/commands",
        methods=POST,
        upstream=BOT,
        rate=Rate.COMMAND,
        body_limit=256 * KIB,
    ),
    Route(path=f"{CHANNEL}/runs", methods=GET, upstream=BOT),
    Route(path=f"{V1}/runs/{{run}}", methods=GET, upstream=BOT),
    Route(path=f"{V1}/runs/{{run}}/stop", methods=POST, upstream=BOT, rate=Rate.WRITE, body_limit=KIB),
    Route(path=f"{WORKSPACE}/ai/usage", methods=GET, upstream=BOT),
    Route(path=f"{WORKSPACE}/ai/settings", methods=GET, upstream=BOT),
    Route(path=f"{WORKSPACE}/ai/settings", methods=PUT, upstream=BOT, rate=Rate.WRITE, body_limit=KIB),
    Route(path=f"{V1}/ai/models", methods=GET, upstream=BOT),
    # The gateway's own.
    Route(path=f"{V1}/status", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN),
    Route(path=f"{V1}/telemetry/traces", methods=POST, upstream=SELF, rate=Rate.SPANS, body_limit=64 * KIB),
    Route(path="/api/openapi.json", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN),
    Route(path="/api/docs", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN),
    Route(path="/api/docs/style.css", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN),
    Route(path="/healthz", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN),
    Route(path="/readyz", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN),
)

WEB = Route(path="/{web}", methods=GET, upstream=SELF, auth=Auth.PUBLIC, rate=Rate.OPEN, body_limit=0)
"""Everything outside /api: the web front end."""
