"""PromQL that panels have in common."""

RATE = "$__rate_interval"


def rate(metric: str, by: str = "", where: str = "") -> str:
    """Per second, summed; zero where a counter has not counted anything yet and nothing tells its labels."""
    grouped = f"sum by ({by}) " if by else "sum"
    return f"{grouped}(rate({metric}{{{where}}}[{RATE}]))"


def or_zero(query: str) -> str:
    """For counters that are born with their first event: no event is a 0 and not a hole."""
    return f"({query}) or vector(0)"


def quantile(q: float, histogram: str, by: str = "", where: str = "") -> str:
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({q}, sum by ({labels}) (rate({histogram}_bucket{{{where}}}[{RATE}])))"
