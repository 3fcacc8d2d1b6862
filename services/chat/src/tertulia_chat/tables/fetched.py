"""Rows of long lists, as asyncpg brings them and for reading only.

A session keeps for every object what each of its attributes was before, which costs several times what reading the row
does. What stands here is a bare struct with the row class's own methods, so that what a row looks like from outside
(`view`) is written once.

What costs most is taking a row apart. So an empty list, as most are, travels as NULL, and ids travel as the text that a
view shows: the ids of these rows are no `UUID`.
"""

from collections.abc import Iterable
from types import FunctionType
from typing import Any, Generic, TypeVar, cast

import asyncpg
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
        self._lists = tuple(column.name for column in columns if _empty(column))
        self._bare: type[Any] = msgspec.defstruct(
            kind.__name__, [(name, Any) for name in self._names], namespace=_own_methods(kind)
        )

    def columns(self, alias: str) -> str:
        """What to select of the table that goes by this name."""
        return ", ".join(selected.format(alias) for selected in self._selected.values())

    def __len__(self) -> int:
        """How many columns there are."""
        return len(self._names)

    def row(self, values: asyncpg.Record | tuple[Any, ...]) -> R:
        """`values` begin with the columns; what comes after them is not looked at."""
        row = self._bare(*values[: len(self._names)])
        for name in self._json:  # comes as text
            if (text := getattr(row, name)) is not None:
                setattr(row, name, msgspec.json.decode(text))
        for name in self._lists:
            if getattr(row, name) is None:
                setattr(row, name, [])
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
