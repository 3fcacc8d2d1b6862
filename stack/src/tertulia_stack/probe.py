"""Ask a process of the stack how it is, without the weight of an HTTP client library."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 1.0
MAX_BYTES = 64 * 1024


async def http_status(url: str) -> int | None:
    """The status code of a GET, or None when nobody answers within a second."""
    answer = await _get(url)
    return answer[0] if answer else None


async def http_json(url: str) -> tuple[int, Any] | None:
    """Status and decoded body (None when it is no JSON), or None when nobody answers within a second."""
    answer = await _get(url)
    if answer is None:
        return None
    try:
        return answer[0], json.loads(answer[1])
    except ValueError:
        return answer[0], None


async def http_text(url: str) -> str | None:
    """The body of a 200, or None when nobody gives one within a second."""
    answer = await _get(url)
    return answer[1].decode(errors="replace") if answer is not None and answer[0] == 200 else None


async def _get(url: str) -> tuple[int, bytes] | None:
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
            try:
                request = f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
                writer.write(request.encode())
                raw = await reader.read(MAX_BYTES)
                while more := await reader.read(MAX_BYTES):
                    raw += more
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    head, _, body = raw.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        return None
    return int(words[1]), body
