"""The bot's schema, brought up to this release."""

from pathlib import Path

from tertulia_shared import migrations


def upgrade(url: str) -> None:
    """Safe to run again, and by several replicas at once."""
    migrations.upgrade(url, Path(__file__).parent)
