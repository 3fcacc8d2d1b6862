"""The bytes of message heads: written anew from parsed parts, in both directions."""

from http import HTTPStatus

from tertulia_gateway.headers import REQUEST_DROPPED, RESPONSE_DROPPED, Headers, Origin, named_by_connection
from tertulia_gateway.http1.message import Request

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d Status\r\n" % status


def chunk_of(data: bytes) -> bytes:
    """One chunk of a chunked body (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def request_head(request: Request, target: bytes, origin: Origin, request_id: bytes, traceparent: bytes) -> bytes:
    """What the service gets: end-to-end headers, and what we know ourselves about the caller."""
    dropped = REQUEST_DROPPED | request.connection_names if request.connection_names else REQUEST_DROPPED
    lines = [b"%b: %b\r\n" % header for header in request.headers if header[0] not in dropped]
    framing = b""
    if request.chunked:
        framing = b"Transfer-Encoding: chunked\r\n"
    elif request.content_length or request.method in ("POST", "PUT", "PATCH"):
        framing = b"Content-Length: %d\r\n" % request.content_length
    return (
        b"%b %b HTTP/1.1\r\nHost: %b\r\n%b%bX-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\n"
        b"X-Forwarded-Host: %b\r\nX-Request-Id: %b\r\nTraceparent: %b\r\n\r\n"
    ) % (
        request.method.encode(),
        target,
        request.host,
        b"".join(lines),
        framing,
        origin.address.encode(),
        origin.proto,
        request.host,
        request_id,
        traceparent,
    )


def response_lines(headers: Headers) -> tuple[list[bytes], bytes | None]:
    """The header lines that a client gets, and the value of Content-Length."""
    lines: list[bytes] = []
    length: bytes | None = None
    dropped = RESPONSE_DROPPED
    for name, value in headers:
        if name in dropped:
            if name == b"content-length":
                length = value
            elif name == b"connection":
                dropped = dropped | (named_by_connection(value) - {b"close", b"keep-alive"})
        else:
            lines.append(b"%b: %b\r\n" % (name, value))
    return lines, length
