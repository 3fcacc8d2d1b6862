"""What all tables share: identifiers, times and the few column types that SQLModel does not know."""

from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from tertulia_shared.events import to_milliseconds


def new_id() -> UUID:
    """UUIDv7: roughly ordered by time, so that new rows land at the end of an index."""
    return uuid_utils.compat.uuid7()


def now() -> datetime:
    """The present in UTC, cut to whole milliseconds: what is stored is exactly what the API says."""
    return to_milliseconds(datetime.now(UTC))


def time_of(one: UUID) -> datetime:
    """When a UUIDv7 was drawn, to the millisecond."""
    return datetime.fromtimestamp((one.int >> 80) / 1000, UTC)


def first_id(at: datetime) -> UUID:
    """No UUIDv7 that is drawn at this millisecond or later is less, and every earlier one is."""
    return UUID(int=max(0, round(at.timestamp() * 1000)) << 80)


class UtcTime(sa.TypeDecorator[datetime]):
    """`timestamptz`, always read back in UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True


class Json(sa.TypeDecorator[dict[str, object]]):
    """`jsonb` holding an object. None is NULL, not the JSON value of that name."""

    impl = JSONB
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)


class JsonList(sa.TypeDecorator[list[dict[str, object]]]):
    """`jsonb` holding an array of objects."""

    impl = JSONB
    cache_ok = True


class UuidList(sa.TypeDecorator[list[UUID]]):
    """`uuid[]`."""

    impl = ARRAY(sa.Uuid)
    cache_ok = True


class TextList(sa.TypeDecorator[list[str]]):
    """`text[]`."""

    impl = ARRAY(sa.Text)
    cache_ok = True
