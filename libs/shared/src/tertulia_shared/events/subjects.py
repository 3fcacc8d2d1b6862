"""Where events travel: subjects, streams, shards and headers.

    evt.<shard>.<workspace>.<scope>.<id>     JetStream stream EVT, durable facts, written only by the relay
    live.evt.<same tail>                     core NATS, the stream's own RePublish; never published to directly
    live.sync.typing.<workspace>.<channel>   core NATS, ephemeral
    live.sync.run.<workspace>.<channel>      core NATS, ephemeral: deltas and steps of AI runs
    live.sync.presence.<process>             core NATS, ephemeral: who is connected to a process of notify
    notify.watch.<process>                   core NATS, request: what one of its connections wants to hear of presence
    bot.stop.<run>                           core NATS, "stop this run", beside the durable wish in the bot's table
    ops.redeliver.<consumer>                 core NATS, request: an operator wants dead letters or a range handled again
    outbox.poke.<shard>                      core NATS, "something was committed", lossy on purpose

A shard is an ordering lane. Everything about one channel shares the lane of the channel's id, so that a membership
change and the messages around it keep their order.
"""

from dataclasses import dataclass
from typing import Literal
from zlib import crc32

SHARDS = 32

Scope = Literal["ch", "ws", "user"]
"""Who an event is for: the members of a channel, of a workspace, or one user."""

H_MSG_ID = "Nats-Msg-Id"
H_TYPE = "Ev-Type"
H_VERSION = "Ev-V"
H_CH_SEQ = "Ch-Seq"
H_LOG_ID = "Ob"
"""`event_log.id` of the row."""
H_LOW = "Low"
"""The relay's watermark when it published: every row with a smaller xid was already in the stream."""
H_TIME = "Ts"
"""Time of the event in unix milliseconds."""
H_TRACEPARENT = "traceparent"

NO_WORKSPACE = "-"


def shard_of(key: str) -> int:
    """The lane of a channel id, else of a user id (scope user), else of a workspace id."""
    return crc32(key.encode()) % SHARDS


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an event's subject."""

    shard: int
    workspace_id: str | None
    scope: Scope
    id: str


@dataclass(frozen=True, slots=True)
class Topology:
    """Names on one NATS server. A `prefix` keeps two installations, or two tests, apart."""

    prefix: str = ""

    @property
    def stream(self) -> str:
        return f"{self.prefix}EVT"

    @property
    def evt_all(self) -> str:
        return f"{self.prefix}evt.>"

    @property
    def live_all(self) -> str:
        return f"{self.prefix}live.evt.>"

    def evt(self, address: Address) -> str:
        workspace = address.workspace_id or NO_WORKSPACE
        return f"{self.prefix}evt.{address.shard:02d}.{workspace}.{address.scope}.{address.id}"

    def evt_shard(self, shard: int) -> str:
        return f"{self.prefix}evt.{shard:02d}.>"

    def parse(self, subject: str) -> Address:
        """Accepts a stored subject and its republished twin. Raises ValueError for anything else."""
        parts = subject.removeprefix(self.prefix).split(".")
        if parts[0] == "live":
            parts = parts[1:]
        match parts:
            case ["evt", shard, workspace, ("ch" | "ws" | "user") as scope, target]:
                return Address(int(shard), None if workspace == NO_WORKSPACE else workspace, scope, target)
            case _:
                raise ValueError(f"not an event subject: {subject}")

    def typing(self, workspace_id: str, channel_id: str) -> str:
        return f"{self.prefix}live.sync.typing.{workspace_id}.{channel_id}"

    @property
    def typing_all(self) -> str:
        return f"{self.prefix}live.sync.typing.>"

    def run(self, workspace_id: str, channel_id: str) -> str:
        return f"{self.prefix}live.sync.run.{workspace_id}.{channel_id}"

    @property
    def run_all(self) -> str:
        return f"{self.prefix}live.sync.run.>"

    def presence(self, process: str) -> str:
        return f"{self.prefix}live.sync.presence.{process}"

    @property
    def presence_all(self) -> str:
        return f"{self.prefix}live.sync.presence.*"

    def watch(self, process: str) -> str:
        return f"{self.prefix}notify.watch.{process}"

    def stop_run(self, run_id: str) -> str:
        return f"{self.prefix}bot.stop.{run_id}"

    @property
    def stop_run_all(self) -> str:
        return f"{self.prefix}bot.stop.*"

    def redeliver(self, consumer: str) -> str:
        return f"{self.prefix}ops.redeliver.{consumer}"

    def poke(self, shard: int) -> str:
        return f"{self.prefix}outbox.poke.{shard:02d}"

    @property
    def poke_all(self) -> str:
        return f"{self.prefix}outbox.poke.*"
