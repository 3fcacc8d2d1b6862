"""Running AI answers: deltas and steps from the bot, shown at once to who is in the channel, never stored.

They come over core NATS and may be lost anywhere on the way; `offset` and `attempt` tell the client, the text so far
is at `GET /runs/{id}`, and what counts in the end is the durable message. They wait behind durable events, so a slow
client may be told of a run's end before its last delta, which it then passes over.
"""

import msgspec

from tertulia_notify.delivery import frames
from tertulia_notify.delivery.hub import Hub
from tertulia_shared.bus import Bus, BusMessage
from tertulia_shared.events import RunDelta, RunStep
from tertulia_shared.telemetry import logger

log = logger(__name__)


class _Kind(msgspec.Struct):
    type: str
    workspace_id: str
    channel_id: str


_kind = msgspec.json.Decoder(_Kind)
_delta = msgspec.json.Decoder(RunDelta)
_step = msgspec.json.Decoder(RunStep)


class RunFrames:
    def __init__(self, bus: Bus, hub: Hub) -> None:
        self._bus = bus
        self._hub = hub

    async def start(self) -> None:
        await self._bus.subscribe(self._bus.topology.run_all, self.receive)

    def receive(self, message: BusMessage) -> None:
        try:
            kind = _kind.decode(message.data)
            if message.subject != self._bus.topology.run(kind.workspace_id, kind.channel_id):
                log.warning("run.misaddressed", subject=message.subject)
            elif kind.type == "run.delta":
                self._tell_delta(_delta.decode(message.data))
            elif kind.type == "run.step":
                self._tell_step(_step.decode(message.data))
        except msgspec.DecodeError as error:
            log.warning("run.malformed", error=str(error))

    def _tell_delta(self, delta: RunDelta) -> None:
        frame = frames.named(delta.type, delta)
        for connection in self._hub.registry.in_channel(delta.channel_id):
            connection.push_delta(delta, frame)

    def _tell_step(self, step: RunStep) -> None:
        frame = frames.named(step.type, step)
        for connection in self._hub.registry.in_channel(step.channel_id):
            connection.push_ephemeral(("step", step.run_id), frame)
