"""Which versions of its schema a service's release brings. Light: who starts services asks it for each of them.

They are kept in `migrations/`, beside `src` in the repository and inside the package in a wheel,
`0007_what_it_does.py` after `0006_….py`.
"""

from pathlib import Path


def migrations_of(package: Path) -> Path:
    """The directory with alembic's `env.py`."""
    places = (package / "migrations", package.parents[1] / "migrations")
    return next(place for place in places if place.is_dir())


def newest_version(package: Path) -> str:
    """The number that the last file's name begins with."""
    return max(file.name.partition("_")[0] for file in (migrations_of(package) / "versions").glob("[0-9]*_*.py"))
