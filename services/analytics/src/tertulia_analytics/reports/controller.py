"""The reports over HTTP. Whoever asks is a member of the workspace, not a guest, at the moment of asking."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from tertulia_analytics.errors import GuestsSeeNoReports
from tertulia_analytics.reports import csv_text
from tertulia_analytics.reports.reports import Name, Reports, Subject
from tertulia_analytics.reports.tables import Column, Table
from tertulia_analytics.reports.window import Bucket, window_of
from tertulia_analytics.sink.lag import Lag
from tertulia_shared.callers import Callers
from tertulia_shared.edge import PROBLEMS, OrCsv, answer, get
from tertulia_shared.membership import MembershipFeed
from tertulia_shared.problems import DependencyUnavailable, NotFound

NO_STORE = {"Cache-Control": "no-store"}
CSV = "text/csv"  # Litestar adds the character set
MAX_TIME_CHARACTERS = 40


class Format(StrEnum):
    JSON = "json"
    CSV = "csv"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`from` and `to` are those asked for, widened to whole buckets; `to` is the first moment after them. What happened
    in the last `lag_s` seconds may be missing."""

    report: Name
    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")
    bucket: Bucket
    generated_at: datetime
    lag_s: float
    columns: list[Column]
    rows: list[list[int | float | str | None]]
    """Times are text, as everywhere in JSON."""
    totals: dict[str, int | float]
    previous: dict[str, int | float]


@dataclass(frozen=True, slots=True)
class ReportsApi:
    """What the handlers need."""

    callers: Callers
    memberships: MembershipFeed
    reports: Reports
    lag: Lag

    async def readable(self, authorization: str, workspace_id: str) -> frozenset[str]:
        """The channels whose names the caller may know. Raises Unauthenticated, NotFound or GuestsSeeNoReports."""
        claims = await self.callers.authenticated(authorization)
        if not self.memberships.serving:
            raise DependencyUnavailable("Memberships are not known right now.")
        user_id = claims.user_id
        await self.memberships.settling.until(
            lambda known: known.in_workspace(workspace_id, user_id) and not known.is_guest(workspace_id, user_id)
        )
        projection = self.memberships.projection
        if not projection.in_workspace(workspace_id, user_id):
            raise NotFound
        if projection.is_guest(workspace_id, user_id):
            raise GuestsSeeNoReports
        return projection.readable(workspace_id, user_id)


@get(
    "/api/v1/workspaces/{workspace_id:str}/analytics/{report:str}",
    tags=["analytics"],
    operation_id="getReport",
    summary="A report about a workspace",
    operation_class=OrCsv,
    responses={200: answer(Report, "The report; with `format=csv` as a file."), **PROBLEMS},
)
async def get_report(
    request: Request[Any, Any, Any],
    analytics: NamedDependency[ReportsApi],
    workspace_id: FromPath[str],
    report: FromPath[str],
    start: Annotated[
        str | None,
        QueryParameter(
            name="from", max_length=MAX_TIME_CHARACTERS, description="A time or a date; 28 days before `to`."
        ),
    ] = None,
    end: Annotated[
        str | None, QueryParameter(name="to", max_length=MAX_TIME_CHARACTERS, description="A time or a date; now.")
    ] = None,
    bucket: Annotated[Bucket, QueryParameter(description="How long the time of one row is.")] = Bucket.DAY,
    format_: Annotated[Format, QueryParameter(name="format", description="JSON, or a CSV file.")] = Format.JSON,
) -> Response[bytes]:
    """For members, not for guests. All times are UTC, weeks begin on Monday; a date is its first moment.

    `overview`, `messages`, `active-users` and `ai` have a row for every bucket; `channels` has one for each channel
    that you may read and one for all others together.
    """
    readable = await analytics.readable(request.headers.get("authorization", ""), workspace_id)
    name = _name(report)
    now = datetime.now(UTC)
    window = window_of(start, end, bucket, now)
    subject = Subject(workspace_id=workspace_id, window=window, readable=readable, now=now)
    table = await analytics.reports.make(name, subject)
    if format_ is Format.CSV:
        file = f"{name}-{window.start:%Y-%m-%d}-{window.end:%Y-%m-%d}.csv"
        disposition = {"Content-Disposition": f'attachment; filename="{file}"'}
        return Response(csv_text.render(table), media_type=CSV, headers=NO_STORE | disposition)
    body = msgspec.json.encode(_document(name, subject, table, analytics.lag))
    return Response(body, media_type="application/json", headers=NO_STORE)


def _name(text: str) -> Name:
    try:
        return Name(text)
    except ValueError:
        raise NotFound(f"The reports are {', '.join(Name)}.") from None


def _document(name: Name, subject: Subject, table: Table, lag: Lag) -> Report:
    return Report(
        report=name,
        start=subject.window.start,
        end=subject.window.end,
        bucket=subject.window.bucket,
        generated_at=subject.now.replace(microsecond=subject.now.microsecond // 1000 * 1000),
        lag_s=round(lag.seconds, 3),
        columns=table.columns,
        rows=msgspec.to_builtins(table.rows),
        totals=table.totals,
        previous=table.previous,
    )


HANDLERS: list[HTTPRouteHandler] = [get_report]
