"""What the run addresses answer."""

from tertulia_shared.events import Run, View


class OneRun(View, frozen=True, kw_only=True):
    run: Run


class RunList(View, frozen=True, kw_only=True):
    """The active ones, oldest first."""

    items: list[Run]
