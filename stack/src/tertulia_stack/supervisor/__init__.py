"""Start processes in dependency order, keep them alive, end them all.

What to run is data (`spec.ServiceSpec`); nothing in this room knows PostgreSQL, NATS or a service of Tertulia.

- `child`       one process: start, readiness, restart with back-off, end
- `supervisor`  all of them: order, signals, the five seconds to stop
- `state`       what other terminals can see: the state file and the lock
- `logs`        what the processes say, kept in bounded files

Invariants: one supervisor per data directory (the lock); no child outlives its supervisor, however that ends
(`servers/launcher.py`; what a crash left behind is ended by the next start).
"""
