"""Every bound and interval of the service in one place, with the reasons; tests use smaller ones."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times in seconds."""

    ring_events: int = 50_000
    ring_bytes: int = 64 * 1024 * 1024
    warm_events: int = 10_000
    """Read back at the start."""

    max_scanned: int = 30_000
    """10,000 events, and the canaries of a day: one every 5 s, also while nobody writes."""
    max_sent: int = 2_000
    max_sent_bytes: int = 8 * 1024 * 1024
    """Beyond any of these a snapshot is cheaper for both sides than a replay."""
    catch_ups: int = 8
    """Replays from the stream at a time; the ring needs no such limit."""
    catch_up_s: float = 30.0
    catch_up_queue_s: float = 5.0
    ahead_s: float = 1.0
    """A cursor from a bootstrap may be a few milliseconds ahead of us."""

    proof_s: float = 5.0
    """How long the completeness of what was delivered may be in doubt before every connection is closed."""
    restart_s: float = 10.0
    """The same for a new life of the stream, which needs a snapshot."""
    tail_check_s: float = 2.0

    sweep_s: float = 1.0
    heartbeat_s: tuple[float, float] = (15.0, 20.0)
    """Proxies cut silent connections from 60 s on; clients call 45 s of silence dead."""
    send_timeout_s: float = 10.0
    stalled_s: float = 35.0
    """After a send timed out, TCP_USER_TIMEOUT (30 s) normally ends the socket; this is for when it does not."""
    drain_s: float = 2.0

    presence_s: float = 1.0
    """How often presence is looked at: a connection gets at most one frame of changes in this time."""
    presence_grace_s: float = 15.0
    """Who has no connection for this long is offline. The longest wait after a `bye` is 8 s."""
    presence_beat_s: float = 5.0
    presence_lease_s: float = 20.0
    """A process that is not heard of for this long is gone, and its people with it."""
    watched_people: int = 500
    """More than a screen shows; some 50 KB of memory for a connection that watches so many."""
    asked_people: int = 100

    streams_per_user: int = 20
    new_streams_per_s: int = 1_000
