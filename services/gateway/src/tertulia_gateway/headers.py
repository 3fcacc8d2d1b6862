"""What happens to headers on the way through, in both directions."""

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

Header = tuple[bytes, bytes]
Headers = list[Header]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""RFC 9110, 7.6.1: these speak about one connection, never about the message."""

# Written anew for the upstream: what a client says about its own address or its own trace is not evidence.
_REQUEST_REPLACED = frozenset(
    {
        b"host",
        b"content-length",
        b"expect",
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-real-ip",
        b"x-request-id",
        b"traceparent",
    }
)
REQUEST_DROPPED = HOP_BY_HOP | _REQUEST_REPLACED

CSP_WEB = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    b"connect-src 'self'; frame-src 'self'; manifest-src 'self'; worker-src 'self'; media-src 'self' blob:; "
    b"object-src 'none'; "
    b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""For pages. Vue sets styles through the CSSOM, which `style-src 'self'` allows; nothing inline is needed."""
CSP_FRAME = (
    b"sandbox allow-scripts; default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""For the frame that draws diagrams out of what people write: it belongs to no origin, and reaches nothing."""
CSP_DATA = b"default-src 'none'; frame-ancestors 'none'"

_SECURITY = (
    b"X-Content-Type-Options: nosniff\r\n"
    b"Referrer-Policy: same-origin\r\n"
    b"Cross-Origin-Opener-Policy: same-origin\r\n"
    b"Cross-Origin-Resource-Policy: same-origin\r\n"
    b"Permissions-Policy: camera=(), microphone=(), geolocation=(), payment=(), usb=()\r\n"
)


def _security(policy: bytes, framing: bytes = b"DENY") -> bytes:
    return _SECURITY + b"X-Frame-Options: %b\r\nContent-Security-Policy: %b\r\n" % (framing, policy)


SECURITY_WEB = _security(CSP_WEB)
SECURITY_FRAME = _security(CSP_FRAME, b"SAMEORIGIN")
SECURITY_DATA = _security(CSP_DATA)
HSTS = b"Strict-Transport-Security: max-age=31536000\r\n"

RESPONSE_DROPPED = HOP_BY_HOP | frozenset(
    {
        b"content-length",
        b"content-security-policy",
        b"cross-origin-opener-policy",
        b"cross-origin-resource-policy",
        b"permissions-policy",
        b"ratelimit-limit",
        b"ratelimit-remaining",
        b"ratelimit-reset",
        b"referrer-policy",
        b"server",
        b"strict-transport-security",
        b"x-content-type-options",
        b"x-frame-options",
        b"x-request-id",
    }
)


class Origin(NamedTuple):
    """Where a request came from, as far as we can know."""

    address: str
    proto: bytes


class TrustedProxies:
    """Whose X-Forwarded-* headers are believed: nobody's, unless the operator names networks."""

    def __init__(self, networks: str) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [
            ip_network(item.strip(), strict=False) for item in networks.split(",") if item.strip()
        ]

    def origin(self, peer: str, headers: Headers) -> Origin:
        """The nearest address that is not one of our proxies (RFC 7239, 5.2, read from the right)."""
        if not self._networks or not self._trusts(peer):
            return Origin(peer, b"http")
        proto = b"http"
        hops: list[str] = []
        for name, value in headers:
            if name == b"x-forwarded-for":
                hops.extend(hop.strip() for hop in value.decode("latin-1").split(","))
            elif name == b"x-forwarded-proto":
                proto = b"https" if value.strip().lower() == b"https" else b"http"
        address = peer
        for hop in reversed(hops):
            if not _is_address(hop):
                break
            address = hop
            if not self._trusts(hop):
                break
        return Origin(address, proto)

    def _trusts(self, address: str) -> bool:
        if not _is_address(address):
            return False
        parsed = ip_address(address)
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped  # how a socket of both families names a peer of the old one
        return any(parsed in network for network in self._networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def named_by_connection(value: bytes) -> frozenset[bytes]:
    """The header names that a Connection header declares hop-by-hop."""
    return frozenset(token.strip().lower() for token in value.split(b","))
