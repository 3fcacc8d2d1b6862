"""What the page in the frame that draws diagrams may do in a browser: docs/decisions/0024."""

from pathlib import Path

import pytest

from tertulia_gateway.headers import SECURITY_DATA, SECURITY_FRAME, SECURITY_WEB
from tertulia_gateway.http1.message import Request
from tertulia_gateway.web import WebFiles


@pytest.fixture
def files(tmp_path: Path) -> WebFiles:
    (tmp_path / "assets").mkdir()
    for name in ("index.html", "diagram.html", "sw.js", "theme.js", "assets/diagram-BxK3f9aQ.js"):
        (tmp_path / name).write_text("<!doctype html>")
    return WebFiles(tmp_path)


def test_it_is_in_a_sandbox_that_reaches_nothing():
    [policy] = [line for line in SECURITY_FRAME.decode().split("\r\n") if line.startswith("Content-Security-Policy")]
    rules = policy.partition(": ")[2].split("; ")
    assert rules[:3] == ["sandbox allow-scripts", "default-src 'none'", "script-src 'self'"]
    assert {rule.split()[0] for rule in rules}.isdisjoint({"connect-src", "img-src", "frame-src", "font-src"})
    assert "frame-ancestors 'self'" in rules
    assert b"X-Frame-Options: SAMEORIGIN\r\n" in SECURITY_FRAME
    # Nobody frames the pages around it.
    assert b"X-Frame-Options: DENY\r\n" in SECURITY_WEB
    assert b"frame-src 'self'; " in SECURITY_WEB


@pytest.mark.parametrize(
    ("path", "security", "from_anywhere"),
    [
        ("/", SECURITY_WEB, False),
        ("/diagram", SECURITY_WEB, False),
        ("/diagram.html", SECURITY_FRAME, False),
        ("/sw.js", SECURITY_WEB, False),
        ("/theme.js", SECURITY_DATA, False),
        ("/assets/diagram-BxK3f9aQ.js", SECURITY_DATA, True),
    ],
)
async def test_each_file_has_its_policy(files: WebFiles, path: str, security: bytes, from_anywhere: bool):
    """A frame without an origin fetches its scripts as from elsewhere."""
    answer = await files.answer(Request(), path)
    assert answer.security == security
    assert (("Access-Control-Allow-Origin", "*") in answer.headers) == from_anywhere
