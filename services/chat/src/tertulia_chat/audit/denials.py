"""What was refused.

A handler that governs says so: `opt={AUDITED: Action.…}`. When it answers 403 the refusal is an entry, whichever check
it failed. Where it was tried is read off the address, in the statement that writes. What a caller may not know (404)
leaves no entry: they learn of nothing, so there is nothing to have tried.

Of one person's attempts at one action in one minute there is one row, which counts them: trying again and again fills
no disk. The first one's target and reason stay.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from litestar.types import Scope

from tertulia_chat.audit.record import Target, fingerprint
from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_chat.tables import new_id, time_of
from tertulia_shared.problems import DependencyUnavailable, Forbidden
from tertulia_shared.telemetry import current_address, current_request_id, logger

log = logger(__name__)

AUDITED = "audited"
"""The key under which a handler's `opt` names its action."""

# Whose workspace it is: the address names it, or a channel, a message or a report of it. A stranger has no entry.
_WRITE = """
INSERT INTO audit_log (id, workspace_id, at, actor_id, action, outcome, target_type, target_id, channel_id, reason,
    address, request_id, denied_in)
SELECT $1, place.workspace_id, $2, $3, $4, 'denied', $5, coalesce($6, place.workspace_id::text), place.channel_id, $7,
    $8, $9, $10
FROM (
    SELECT $11::uuid AS workspace_id, NULL::uuid AS channel_id WHERE $11 IS NOT NULL
    UNION ALL SELECT c.workspace_id, c.id FROM channel c WHERE c.id = $12
    UNION ALL SELECT m.workspace_id, m.channel_id FROM message m WHERE m.id = $13
    UNION ALL SELECT r.workspace_id, r.channel_id FROM report r WHERE r.id = $14
) AS place
JOIN workspace_member w ON w.workspace_id = place.workspace_id AND w.user_id = $3
LIMIT 1
ON CONFLICT (workspace_id, actor_id, action, denied_in) WHERE denied_in IS NOT NULL
DO UPDATE SET times = audit_log.times + 1
"""
_TARGETS = {
    "user_id": Target.USER,
    "code": Target.INVITE,
    "message_id": Target.MESSAGE,
    "channel_id": Target.CHANNEL,
    "report_id": Target.REPORT,
}
"""What a deed is done to: the first of these that its address names, else the workspace."""


class Denials:
    """A hook of the application, called with every problem before it is answered."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database

    async def __call__(self, error: Exception, scope: Scope) -> None:
        caller = cast("Caller | None", cast("dict[str, Any]", scope).get("caller"))
        action = _action(scope)
        if not isinstance(error, Forbidden) or caller is None or action is None:
            return
        try:
            await self._write(error, action, caller, scope.get("path_params", {}))
        except DependencyUnavailable as away:
            log.warning("audit.denial_lost", action=action, error=str(away))

    async def _write(self, error: Forbidden, action: str, caller: Caller, named: Mapping[str, object]) -> None:
        entry_id = new_id()
        at = time_of(entry_id)
        target_type, target_id = _target(named)
        await self._database().hot_row(
            _WRITE,
            entry_id,
            at,
            caller.user_id,
            action,
            target_type,
            target_id,
            str(error),
            current_address(),
            current_request_id(),
            _minute(at),
            *(_id(named.get(name)) for name in ("workspace_id", "channel_id", "message_id", "report_id")),
        )


def _action(scope: Scope) -> str | None:
    handler = cast("dict[str, Any]", scope).get("route_handler")  # none for an address that there is not
    action = handler.opt.get(AUDITED) if handler is not None else None
    return str(action) if action is not None else None


def _target(named: Mapping[str, object]) -> tuple[str, str | None]:
    for name, kind in _TARGETS.items():
        if name in named:
            value = str(named[name])
            return str(kind), fingerprint(value) if kind == Target.INVITE else value
    return str(Target.WORKSPACE), None


def _id(value: object) -> UUID | None:
    return value if isinstance(value, UUID) else None


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
