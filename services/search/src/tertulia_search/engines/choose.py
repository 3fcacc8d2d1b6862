"""Which engine an address names."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from tertulia_search.engines.port import SearchEngine


def check_url(url: str) -> str:
    """Raises ValueError unless it is `tantivy:///absolute/path` (percent-encoded), `meilisearch://host:port` or
    `meilisearchs://…`."""
    parts = urlsplit(url)
    good = (
        parts.path.startswith("/") and not parts.netloc
        if parts.scheme == "tantivy"
        else parts.scheme in {"meilisearch", "meilisearchs"} and bool(parts.hostname)
    )
    if not good:
        raise ValueError("must be tantivy:///absolute/path, meilisearch://host:port or meilisearchs://host:port")
    return url


def engine_at(url: str, key: str | None = None) -> SearchEngine:
    """Connects to nothing and opens nothing. Only the engine that is used is imported."""
    parts = urlsplit(check_url(url))
    if parts.scheme == "tantivy":
        from tertulia_search.engines.tantivy_engine import TantivyEngine  # noqa: PLC0415

        return TantivyEngine(Path(unquote(url.removeprefix("tantivy://"))))
    from tertulia_search.engines.meilisearch_engine import MeilisearchEngine  # noqa: PLC0415

    scheme = "https" if parts.scheme == "meilisearchs" else "http"
    return MeilisearchEngine(f"{scheme}://{parts.netloc}{parts.path}".rstrip("/"), key)
