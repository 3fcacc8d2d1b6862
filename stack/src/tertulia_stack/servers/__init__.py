"""The real PostgreSQL and NATS, started from their wheels: by `tertulia up` and by the tests alike.

Both classes are synchronous, keep their port and their data over `stop()`, `kill()` and `start()`, listen on
the loopback only, and end with the process that started them (see `launcher.py`). Call `start()` from a thread
that outlives the server: Linux ties the life of a child to the *thread* that forked it.
"""

from tertulia_stack.servers.nats import NatsServer
from tertulia_stack.servers.postgres import PostgresServer
from tertulia_stack.servers.process import ServerFailed

__all__ = ["NatsServer", "PostgresServer", "ServerFailed"]
