"""The gateway's settings; see the README for what each one means."""

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, DirectoryPath, Field

from tertulia_shared.settings import ServiceSettings, VerifierSettings


def _check_networks(value: str) -> str:
    for item in value.split(","):
        if item.strip():
            ip_network(item.strip(), strict=False)
    return value


HttpUrl = Annotated[str, Field(pattern=r"^http://")]


class GatewaySettings(ServiceSettings, VerifierSettings):
    chat_url: HttpUrl
    notify_url: HttpUrl
    search_service_url: HttpUrl | None = None
    bot_service_url: HttpUrl | None = None
    analytics_service_url: HttpUrl | None = None
    """Unset: the part is left out, and its addresses say so."""
    web_dir: DirectoryPath | None = None
    rate_limits: Literal["on", "off"] = "on"
    trusted_proxies: Annotated[str, AfterValidator(_check_networks)] = ""
    """Comma list of networks whose X-Forwarded-* headers are believed, e.g. a load balancer's."""
    ops_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Where `/metrics` is served. Unset: nowhere; the public port never shows them."""
    ops_host: str = "127.0.0.1"
    """Another address only where the network in front keeps strangers away, as in a container."""
