"""Rows of long lists, as asyncpg brings them and for reading only.

A session keeps for every object what each of its attributes was before, which costs several times what reading the row
does. What stands here is a bare object with the row class's own methods, so that what a row looks like from outside
(`view`) is written once.

What costs most is taking a row apart. So an empty list, as most are, travels as NULL, what is NULL is kept by the class
and not by each object, and ids travel as the text that a view shows: the ids of these rows are no `UUID`.
"""

from collections.abc import Iterable
from types import FunctionType
from typing import Any, Generic, TypeVar, cast

import msgspec
import sqlalchemy as sa
from sqlmodel import SQLModel

from tertulia_chat.tables.base import Json, JsonList, TextList, UuidList

R = TypeVar("R", bound=SQLModel)


class Fetched(Generic[R]):
    """Rows of one table. `without` names columns that their view does not show."""

    def __init__(self, kind: type[R], *, without: Iterable[str] = ()) -> None:
        left_out = set(without)
        table = cast(sa.Table, vars(kind)["__table__"])
        columns = [column for column in table.columns if column.name not in left_out]
        self._names = tuple(column.name for column in columns)
        self._selected = {column.name: _selected(column) for column in columns}
        self._json = tuple(column.name for column in columns if isinstance(column.type, Json | JsonList))
        absent = {column.name: [] if _empty(column) else None for column in columns}
        self._bare: type[Any] = type(kind.__name__, (), absent | _own_methods(kind))

    def columns(self, alias: str) -> str:
        """What to select of the table that goes by this name."""
        return ", ".join(selected.format(alias) for selected in self._selected.values())

    def __len__(self) -> int:
        """How many columns there are."""
        return len(self._names)

    def row(self, values: Iterable[Any]) -> R:
        """`values` begin with the columns; what comes after them is not looked at."""
        found = {name: value for name, value in zip(self._names, values, strict=False) if value is not None}
        for name in self._json:  # comes as text
            if name in found:
                found[name] = msgspec.json.decode(found[name])
        row = self._bare()
        row.__dict__ = found
        return cast(R, row)


def _selected(column: sa.Column[Any]) -> str:
    """With a gap for the table's name."""
    value, empty = f"{{}}.{column.name}", _empty(column)
    if empty:
        value = f"nullif({value}, '{empty}')"
    match column.type:
        case UuidList():
            value += "::text[]"
        case sa.Uuid():
            value += "::text"
        case _:
            pass
    return f"{value} AS {column.name}"


def _empty(column: sa.Column[Any]) -> str:
    """The literal of an empty list, braces doubled, where the column always holds a list."""
    if column.nullable:
        return ""
    match column.type:
        case UuidList() | TextList():
            return "{{}}"
        case JsonList():
            return "[]"
        case _:
            return ""


def _own_methods(kind: type[SQLModel]) -> dict[str, Any]:
    return {
        name: member
        for name, member in vars(kind).items()
        if isinstance(member, FunctionType | property) and not name.startswith("_")
    }
