"""`python -m tertulia_search rebuild`: asks the running service and passes on what it tells, line by line."""

import asyncio
import sys

import aiohttp
import msgspec

from tertulia_search.rebuild.rebuild import Progress
from tertulia_search.settings import RebuildSettings
from tertulia_shared.tokens import ServiceTokens

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=300)


def main(settings: RebuildSettings) -> int:
    """The exit status: 0 when the new index serves."""
    return asyncio.run(_ask(settings))


async def _ask(settings: RebuildSettings) -> int:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}/internal/v1/rebuild"
    headers = {"Authorization": f"Bearer {ServiceTokens(settings.secrets).issue('search-command')}"}
    last: Progress | None = None
    try:
        async with aiohttp.ClientSession(timeout=TIMEOUT) as http, http.post(url, headers=headers) as answer:
            if answer.status != 200:
                sys.stderr.write(await answer.text() + "\n")
                return 1
            async for line in answer.content:
                sys.stdout.write(line.decode())
                sys.stdout.flush()
                last = msgspec.json.decode(line, type=Progress)
    except (aiohttp.ClientError, TimeoutError) as error:
        sys.stderr.write(f"{url}: {error!r}\n")
        return 1
    return 0 if last is not None and last.done else 1
