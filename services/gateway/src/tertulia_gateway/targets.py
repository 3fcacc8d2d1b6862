"""The request target: what is a path here, and what is refused before any rule looks at it.

Two programs that read one path differently are how access rules get passed by. So a path that a later reader could
take apart in another way (dot segments, doubled or encoded slashes, backslashes, control characters, letters written
as `%6c`) is refused. Services ignore a trailing slash, rows do not: under /api it makes a path that nobody has.
"""

import re

from tertulia_shared.problems import NotFound, Problem

MAX_TARGET = 8 * 1024

_PLAIN = re.compile(
    rb"/(?:[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*/)*"
    rb"(?:[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*)?\Z"
)
_ALLOWED = re.compile(rb"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*\Z")
_ENCODED = re.compile(rb"%(?![0-9A-Fa-f]{2})|%(?:2[fFeE]|5[cC]|[01][0-9A-Fa-f]|7[fF])")
# RFC 3986, 2.3: encoding an unreserved character means nothing to a reader that decodes, and all to one that does not.
_ENCODED_PLAIN = re.compile(rb"%(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|2[dDeE]|5[fF]|7[eE])")
_QUERY = re.compile(rb"[\x21-\x7e]*\Z")
_AUTHORITY = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)


class InvalidTarget(Problem):
    code, status, title = "invalid_path", 400, "This is not an address that can be asked for"


class TargetTooLong(Problem):
    code, status, title = "uri_too_long", 414, "The address is too long"


def split_target(target: bytes) -> tuple[str, bytes]:
    """The path as text (still percent-encoded) and the whole target in origin form. Raises the problems above."""
    if len(target) > MAX_TARGET:
        raise TargetTooLong
    if not target.startswith(b"/"):
        target = _origin_form(target)
    path, _, query = target.partition(b"?")
    if not _PLAIN.match(path):
        _check_unusual(path)
    if path.endswith(b"/") and path.startswith(b"/api/"):
        raise NotFound
    if query and (b"#" in query or not _QUERY.match(query)):
        raise InvalidTarget
    return path.decode("ascii"), target


def _origin_form(target: bytes) -> bytes:
    """RFC 9112, 3.2.2: a server accepts the absolute form, although only proxies are sent it."""
    authority = _AUTHORITY.match(target)
    if authority is None:
        raise InvalidTarget
    rest = target[authority.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def _check_unusual(path: bytes) -> None:
    if not _ALLOWED.match(path) or b"//" in path:
        raise InvalidTarget
    if _ENCODED.search(path) or _ENCODED_PLAIN.search(path):
        raise InvalidTarget
    if any(segment in (b".", b"..") for segment in path.split(b"/")):
        raise InvalidTarget
