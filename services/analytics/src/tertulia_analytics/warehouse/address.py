"""`CLICKHOUSE_URL`: where the warehouse is."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

SERVER_SCHEMES = {"clickhouse": (False, 8123), "clickhouses": (True, 8443)}
DEFAULT_DATABASE = "default"
EMBEDDED_DATABASE = "tertulia"
"""Not chDB's own `default`, which is no Atomic database: its tables have no ids, and by its id we know a warehouse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`path` is given for the embedded engine, `host` for a server. The password never shows in a representation."""

    database: str = DEFAULT_DATABASE
    path: str | None = None
    host: str | None = None
    port: int = 0
    secure: bool = False
    user: str = "default"
    password: str = field(default="", repr=False)

    @property
    def embedded(self) -> bool:
        return self.path is not None

    def __str__(self) -> str:
        """For logs."""
        if self.embedded:
            return f"chdb://{self.path}"
        return f"clickhouse{'s' if self.secure else ''}://{self.host}:{self.port}/{self.database}"


def parse(url: str) -> Address:
    """Raises ValueError, which never repeats the URL: it may hold a password."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.query or parts.fragment:
        raise ValueError("takes no query and no fragment")
    if parts.scheme == "chdb":
        if parts.netloc or not path.startswith("/") or path == "/":
            raise ValueError("must be chdb:///absolute/path")
        return Address(path=path, database=EMBEDDED_DATABASE)
    if parts.scheme not in SERVER_SCHEMES or not parts.hostname:
        raise ValueError("must be chdb:///absolute/path or clickhouse://user:password@host:8123/database")
    secure, port = SERVER_SCHEMES[parts.scheme]
    return Address(
        host=parts.hostname,
        port=parts.port or port,
        secure=secure,
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=path.strip("/") or DEFAULT_DATABASE,
    )
