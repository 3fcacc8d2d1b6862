"""What the driver raises while PostgreSQL is killed under it is a refusal to come again, not a mistake of ours."""

import asyncpg
import pytest

from tertulia_chat.database import unavailable
from tertulia_shared.problems import DependencyUnavailable


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.CrashShutdownError("terminating connection because of crash of another server process"),
        ConnectionRefusedError(111, "Connection refused"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_database_that_goes_away_is_a_503(error: Exception):
    with pytest.raises(DependencyUnavailable), unavailable():
        raise error


def test_a_mistake_of_ours_passes():
    with pytest.raises(asyncpg.UniqueViolationError), unavailable():
        raise asyncpg.UniqueViolationError("duplicate key")
