"""Slash commands and the answers of the bot."""

import asyncio
from time import monotonic

import msgspec
import uuid_utils

from tertulia_client.caller import Caller
from tertulia_client.models import Command, Run
from tertulia_client.transport import decode

POLL_S = 0.1


class _Commands(msgspec.Struct):
    items: list[Command]


class _One(msgspec.Struct):
    run: Run


class _Runs(msgspec.Struct):
    items: list[Run]


class _Reply(msgspec.Struct):
    text: str


class _Outcome(msgspec.Struct):
    run: Run | None = None
    reply: _Reply | None = None


class Ai:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def commands(self, workspace_id: str) -> list[Command]:
        return (await self._caller.get(f"/workspaces/{workspace_id}/commands", _Commands)).items

    async def command(
        self, channel_id: str, text: str, *, thread_id: str | None = None, key: str | None = None
    ) -> Run | str:
        """Run a slash command: the run that will answer, or a reply for the caller's eyes only (`/help`).

        Asking again with the same `key` gives the same run. Raises ValidationFailed (`unknown_command`,
        `missing_argument`), RateLimited (`token_budget_exhausted`), Forbidden, NotFound, Conflict.
        """
        body = {"text": text} | ({} if thread_id is None else {"thread_id": thread_id})
        content = await self._caller.request(
            "POST",
            f"/channels/{channel_id}/commands",
            body=body,
            headers={"Idempotency-Key": key or str(uuid_utils.uuid7())},
            safe=True,
        )
        outcome = decode(content, _Outcome)
        if outcome.run is not None:
            return outcome.run
        return outcome.reply.text if outcome.reply is not None else ""

    async def run(self, run_id: str) -> Run:
        """With the text so far. Raises NotFound."""
        return (await self._caller.get(f"/runs/{run_id}", _One)).run

    async def active_runs(self, channel_id: str) -> list[Run]:
        return (await self._caller.get(f"/channels/{channel_id}/runs", _Runs)).items

    async def stop(self, run_id: str) -> Run:
        """Raises Forbidden, NotFound."""
        return decode(await self._caller.request("POST", f"/runs/{run_id}/stop", safe=True), _One).run

    async def set_daily_budget(self, workspace_id: str, tokens: int) -> None:
        """How many tokens the workspace may spend in a day (UTC). Admins and owners. Raises Forbidden, NotFound."""
        body = {"daily_token_budget": tokens}
        await self._caller.request("PUT", f"/workspaces/{workspace_id}/ai/settings", body=body, safe=True)

    async def finished(self, run_id: str, *, patience_s: float = 120.0) -> Run:
        """Wait until the run is over. Raises TimeoutError."""
        deadline = monotonic() + patience_s
        while not (run := await self.run(run_id)).is_over:
            if monotonic() > deadline:
                raise TimeoutError(f"run {run_id} is still {run.state}")
            await asyncio.sleep(POLL_S)
        return run
