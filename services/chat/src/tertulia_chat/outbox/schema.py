"""The tables of the event log, as the first migration makes them.

`id` is drawn while the channel's row lock is held, so within a channel ids follow the order of commits; across channels
they do not, and `xid` tells which transactions may still be open. Without a partition for the day a row lands in
`event_log_default`: a relay that was away for long must not stop anyone from posting.

`relay_position` says how far each shard is: everything with an xid below `low` is in the stream's life `incarnation`,
where the newest message acknowledged to us is `event_id`, at `stream_seq`.
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
    low xid8 NOT NULL,
    incarnation text NOT NULL,
    stream_seq bigint NOT NULL,
    event_id uuid,
    updated_at timestamptz NOT NULL DEFAULT now()
);
"""
