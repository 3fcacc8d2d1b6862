"""Started by `tertulia_shared.migrations`, or by hand through `alembic`."""

from tertulia_shared.migrations import run_environment

run_environment()
