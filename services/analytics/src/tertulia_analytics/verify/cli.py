"""`python -m tertulia_analytics verify`: asks the running service and prints what it found.

It asks over HTTP because the embedded ClickHouse belongs to one process. Exit status: 0 all the same, 1 differences,
2 the comparison could not be made.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from typing import Any, TextIO

import aiohttp
import msgspec

from tertulia_analytics.settings import VerifySettings
from tertulia_analytics.verify.controller import PATH
from tertulia_shared.tokens import ServiceTokens

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=3, sock_read=120)
SAME, DIFFERENT, FAILED = 0, 1, 2

Line = dict[str, Any]


def main(settings: VerifySettings) -> int:
    return asyncio.run(_main(settings, sys.stdout))


async def _main(settings: VerifySettings, out: TextIO) -> int:
    url = f"http://{settings.host}:{settings.port}{PATH}"
    try:
        async for line in _ask(url, ServiceTokens(settings.secrets).issue("analytics-cli")):
            code = _tell(line, out)
            if code is not None:
                return code
    except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
        out.write(f"Analytics could not be asked at {url}: {error!r}\n")
        return FAILED
    out.write("The answer broke off.\n")
    return FAILED


async def _ask(url: str, token: str) -> AsyncGenerator[Line]:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(timeout=TIMEOUT) as http, http.post(url, headers=headers) as answer:
        answer.raise_for_status()
        async for line in answer.content:
            yield msgspec.json.decode(line, type=dict[str, Any])


def _tell(line: Line, out: TextIO) -> int | None:
    """The exit status, at the last line."""
    match line:
        case {"error": str(error)}:
            out.write(f"Not finished: {error}\n")
            return FAILED
        case {"done": True}:
            out.write(_summary(line))
            return DIFFERENT if line["differences"] else SAME
        case {"compared_to": str(until)}:
            out.write(f"{line['events']:>12,} events in {line['hours']:>3} hours before {until}\n")
        case _:
            out.write(_difference(line))
    return None


def _difference(line: Line) -> str:
    ids = [f"{'':14}missing {each}\n" for each in line["missing_ids"]]
    ids += [f"{'':14}extra   {each}\n" for each in line["extra_ids"]]
    head = f"  {line['hour']}  {line['type']:<26} chat {line['chat']:>9,}  analytics {line['analytics']:>9,}\n"
    return head + "".join(ids)


def _summary(line: Line) -> str:
    put_aside = f", {line['dead_letters']:,} put aside as unreadable" if line["dead_letters"] else ""
    if not line["differences"]:
        return f"Equal: {line['events']:,} events of chat's log are counted once each{put_aside}.\n"
    return (
        f"DIFFERENT in {line['differences']:,} hours and types: {line['missing']:,} missing, {line['extra']:,} extra"
        f"{put_aside}.\n"
    )
