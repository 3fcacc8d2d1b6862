"""A parsed request head, with the checks that keep two readers from understanding it differently."""

from tertulia_gateway.headers import Headers, named_by_connection
from tertulia_shared.problems import Problem

MAX_HEAD = 32 * 1024
MAX_HEADERS = 100


class BadRequest(Problem):
    code, status, title = "bad_request", 400, "This is not a well-formed HTTP request"


class HeadTooLarge(Problem):
    code, status, title = "headers_too_large", 431, "The request's headers are too large"


class RequestTimeout(Problem):
    code, status, title = "request_timeout", 408, "The request did not arrive in time"


class Request:
    """The head, and what the framing headers mean. `headers` have lower-case names."""

    __slots__ = (
        "authorization",
        "chunked",
        "connection_names",
        "content_length",
        "expects_continue",
        "headers",
        "host",
        "http10",
        "method",
        "request_id",
        "target",
        "traceparent",
    )

    def __init__(self) -> None:
        self.method = ""
        self.target = b""
        self.headers: Headers = []
        self.host = b""
        self.http10 = False
        self.content_length = 0
        self.chunked = False
        self.expects_continue = False
        self.authorization = b""
        self.request_id = b""
        self.traceparent = b""
        self.connection_names: frozenset[bytes] = frozenset()

    @property
    def has_body(self) -> bool:
        return self.chunked or self.content_length > 0

    def understand(self) -> None:
        """Read the headers that concern us. Raises BadRequest when the framing has two readings."""
        seen: set[bytes] = set()
        for name, value in self.headers:
            if name in _OURS:
                if name in seen:
                    raise BadRequest(f"{name.decode('ascii')} is given twice.")
                seen.add(name)
                _READERS[name](self, value)
        if b"host" not in seen and not self.http10:
            raise BadRequest("The Host header is missing.")
        if self.chunked and (b"content-length" in seen or self.http10):
            raise BadRequest("Content-Length and Transfer-Encoding contradict each other.")


def _read_content_length(request: Request, value: bytes) -> None:
    if not value.isdigit() or len(value) > 15:
        raise BadRequest("Content-Length is not a number.")
    request.content_length = int(value)


def _read_transfer_encoding(request: Request, value: bytes) -> None:
    if value.lower() != b"chunked":
        raise BadRequest("Only chunked is understood as Transfer-Encoding.")
    request.chunked = True


def _read_expect(request: Request, value: bytes) -> None:
    request.expects_continue = value.lower() == b"100-continue" and not request.http10


def _read_connection(request: Request, value: bytes) -> None:
    names = named_by_connection(value)
    request.connection_names = names - {b"keep-alive", b"close"}


def _reader(attribute: str):
    def read(request: Request, value: bytes) -> None:
        setattr(request, attribute, value)

    return read


_READERS = {
    b"content-length": _read_content_length,
    b"transfer-encoding": _read_transfer_encoding,
    b"host": _reader("host"),
    b"expect": _read_expect,
    b"connection": _read_connection,
    b"authorization": _reader("authorization"),
    b"x-request-id": _reader("request_id"),
    b"traceparent": _reader("traceparent"),
}
_OURS = frozenset(_READERS)
