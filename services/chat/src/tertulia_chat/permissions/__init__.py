"""What there is to be allowed in a workspace, and which role has it at least.

A workspace keeps only where it differs from `DEFAULTS` (`workspace.permissions`), so a permission that comes with a
later release has a meaning everywhere at once. Who is asked is a seat (`access`); nothing else compares roles.
"""

from tertulia_chat.permissions.table import (
    DEFAULTS,
    LOWEST,
    OF_CHANNEL_OWNERS,
    ORDER,
    Permission,
    differences,
    has,
    has_in_sql,
    held_by,
    least,
    outranks,
    table_of,
)

__all__ = [
    "DEFAULTS",
    "LOWEST",
    "OF_CHANNEL_OWNERS",
    "ORDER",
    "Permission",
    "differences",
    "has",
    "has_in_sql",
    "held_by",
    "least",
    "outranks",
    "table_of",
]
