"""A table as CSV (RFC 4180): CRLF, a header row, quotes where they are needed.

A spreadsheet takes a cell that begins with one of a few characters for a formula, and people choose channel names: such
text gets an apostrophe in front, which spreadsheets do not show.
"""

import csv
import io
from datetime import datetime

from tertulia_analytics.reports.tables import Cell, Table

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def render(table: Table) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_cell(column.name) for column in table.columns])
    writer.writerows([_cell(cell) for cell in row] for row in table.rows)
    return text.getvalue().encode()


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case datetime():
            return cell.strftime("%Y-%m-%dT%H:%M:%SZ")
        case str():
            return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA_STARTS) else cell
        case _:
            return str(cell)
