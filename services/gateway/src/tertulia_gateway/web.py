"""The built web front end, held in memory.

Only what the folder held when it was read can be asked for, by exact name: a path is a key here and never touches the
file system. The folder is read again when its index.html changes, so that a rebuild shows up without a restart.
"""

import asyncio
import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from time import monotonic

from tertulia_gateway.headers import SECURITY_DATA, SECURITY_FRAME, SECURITY_WEB
from tertulia_gateway.http1.message import Request
from tertulia_gateway.http1.rules import LocalResponse
from tertulia_shared.problems import NotFound
from tertulia_shared.telemetry import logger

log = logger(__name__)

INDEX = "/index.html"
WORKER = "/sw.js"
"""The service worker: what it may fetch is said by its own policy, not by the page's."""
FRAME = "/diagram.html"
"""Draws diagrams; see docs/decisions/0024."""
MAX_FILE = 16 * 1024 * 1024
LOOK_AGAIN_S = 1.0
IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
MIN_GZIP = 1024

# Vite's names: assets/index-BxK3f9aQ.js. The hash is the content's, so the name never means anything else.
_HASHED = re.compile(r"/assets/.*[-.][A-Za-z0-9_-]{8,}\.[a-z0-9.]+\Z")
_TEXTUAL = re.compile(r"(text/|application/(json|javascript|manifest\+json|xml)|image/svg)")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".ico": "image/x-icon",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file with its encodings; `bodies` maps a content coding ("" for none) to the bytes."""

    content_type: str
    cache_control: str
    etag: str
    modified: str
    bodies: dict[str, bytes]
    security: bytes
    """The header lines that say what it may do in a browser."""


class WebFiles:
    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._assets: dict[str, Asset] = {}
        self._version: int | None = None
        self._looked_at = 0.0
        if folder is not None:
            self._version = _version(folder)
            self._assets = read_folder(folder)

    async def answer(self, request: Request, path: str) -> LocalResponse:
        """The file, or index.html for an address that the front end's own router knows. Raises NotFound."""
        await self._look_again()
        asset = self._assets.get(INDEX if path == "/" else path)
        if asset is None and "." not in path.rpartition("/")[2]:
            asset = self._assets.get(INDEX)
        if asset is None:
            if not self._assets:
                raise NotFound("The web front end has not been built.")
            raise NotFound
        return _serve(asset, request)

    async def _look_again(self) -> None:
        folder, now = self._folder, monotonic()
        if folder is None or now - self._looked_at < LOOK_AGAIN_S:
            return
        self._looked_at = now
        version = _version(folder)
        if version is not None and version != self._version:
            self._version = version
            self._assets = await asyncio.to_thread(read_folder, folder)
            log.info("web.reloaded", files=len(self._assets))


def read_folder(folder: Path) -> dict[str, Asset]:
    """Every regular file inside, by URL path. Links that lead outside are left out."""
    root = folder.resolve()
    found: dict[str, Path] = {}
    for file in sorted(root.rglob("*")):
        if file.is_file() and file.resolve().is_relative_to(root) and file.stat().st_size <= MAX_FILE:
            found["/" + file.relative_to(root).as_posix()] = file
    return {
        url: _read(url, file, found)
        for url, file in found.items()
        if not (url.endswith((".gz", ".br")) and url[:-3] in found) and "/." not in url
    }


def _read(url: str, file: Path, found: dict[str, Path]) -> Asset:
    body = file.read_bytes()
    content_type = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    bodies = {"": body}
    for coding, suffix in (("br", ".br"), ("gzip", ".gz")):
        if url + suffix in found:
            bodies[coding] = found[url + suffix].read_bytes()
    if "gzip" not in bodies and len(body) >= MIN_GZIP and _TEXTUAL.match(content_type):
        bodies["gzip"] = gzip.compress(body, 6, mtime=0)
    return Asset(
        content_type=content_type,
        cache_control=IMMUTABLE if _HASHED.search(url) else REVALIDATE,
        etag=f'"{hashlib.sha256(body).hexdigest()[:20]}"',
        modified=formatdate(file.stat().st_mtime, usegmt=True),
        bodies=bodies,
        security=_security(url, content_type),
    )


def _security(url: str, content_type: str) -> bytes:
    if url == FRAME:
        return SECURITY_FRAME
    return SECURITY_WEB if content_type.startswith("text/html") or url == WORKER else SECURITY_DATA


def _serve(asset: Asset, request: Request) -> LocalResponse:
    fields = dict(request.headers)
    coding = _coding(asset, fields.get(b"accept-encoding", b"").decode("latin-1"))
    headers = [
        ("Cache-Control", asset.cache_control),
        ("ETag", asset.etag),
        ("Last-Modified", asset.modified),
    ]
    if asset.cache_control == IMMUTABLE:
        # The frame belongs to no origin and has its scripts all the same: there is nothing in them that is not public.
        headers.append(("Access-Control-Allow-Origin", "*"))
    if len(asset.bodies) > 1:
        headers.append(("Vary", "Accept-Encoding"))
    if _matches(asset.etag, fields.get(b"if-none-match", b"").decode("latin-1")):
        return LocalResponse(b"", asset.content_type, 304, tuple(headers), asset.security)
    if coding:
        headers.append(("Content-Encoding", coding))
    return LocalResponse(asset.bodies[coding], asset.content_type, 200, tuple(headers), asset.security)


def _coding(asset: Asset, accepted: str) -> str:
    """The smallest coding that the client takes and that we have."""
    offers: set[str] = set()
    for item in accepted.lower().split(","):
        name, _, parameters = item.strip().partition(";")
        if parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            offers.add(name.strip())
    usable = [coding for coding in asset.bodies if not coding or coding in offers]
    return min(usable, key=lambda coding: len(asset.bodies[coding]))


def _matches(etag: str, given: str) -> bool:
    return any(item.strip().removeprefix("W/") in (etag, "*") for item in given.split(",")) if given else False


def _version(folder: Path) -> int | None:
    try:
        return (folder / "index.html").stat().st_mtime_ns
    except OSError:
        return None
