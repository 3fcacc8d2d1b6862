"""The tables of the event log, as the first migration makes them.

`id` is drawn while the channel's row lock is held, so within a channel ids follow the order of commits; across channels
they do not, and `xid` tells which transactions may still be open. Without a partition for the day a row lands in
`event_log_default`: a relay that was away for long must not stop anyone from posting.

`relay_position` says how far each shard is (see `progress`): what `snapshot` sees is in the stream's life
`incarnation`, and while a backlog is worked off, what `page_snapshot` sees up to `page_id`. The newest message of the
shard that was acknowledged is `log_id`, at `stream_seq`. `relay_incarnation` keeps the stream's lives in the order they
were met.
"""

EVENT_LOG_DDL = """
CREATE SEQUENCE event_log_id_seq;
CREATE TABLE event_log (
    id bigint NOT NULL DEFAULT nextval('event_log_id_seq'),
    created_at timestamptz NOT NULL DEFAULT now(),
    shard smallint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    subject text NOT NULL,
    type text NOT NULL,
    workspace_id uuid,
    channel_id uuid,
    ch_seq bigint,
    event_id uuid NOT NULL,
    traceparent text,
    body text NOT NULL,
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
ALTER SEQUENCE event_log_id_seq OWNED BY event_log.id;
CREATE INDEX event_log_xid_idx ON event_log (xid);
CREATE INDEX event_log_channel_idx ON event_log (channel_id, ch_seq) WHERE ch_seq IS NOT NULL;
CREATE TABLE event_log_default PARTITION OF event_log DEFAULT;
CREATE TABLE relay_position (
    shard smallint PRIMARY KEY,
    snapshot pg_snapshot NOT NULL,
    page_snapshot pg_snapshot,
    page_id bigint,
    incarnation text NOT NULL,
    stream_seq bigint NOT NULL,
    log_id bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE relay_incarnation (
    incarnation text PRIMARY KEY,
    generation bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    adopted_at timestamptz NOT NULL DEFAULT now()
);
"""
