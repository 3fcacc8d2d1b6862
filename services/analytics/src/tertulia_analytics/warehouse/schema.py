"""The warehouse's schema as code.

Every statement can run again and beside itself, so replicas need no lock: two that open a fresh warehouse together both
bring it up. `schema_version` says what was applied. A version that has been released is never changed.

The id that ClickHouse gave to the table `event` names the warehouse: one that was made anew, or restored from a backup,
has another, and the sink then reads the stream from its beginning.
"""

from typing import NamedTuple

VERSIONS_TABLE = """
CREATE TABLE IF NOT EXISTS schema_version (
    version UInt32,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
) ENGINE = MergeTree ORDER BY (version, applied_at)
"""
APPLIED = "SELECT DISTINCT version FROM schema_version"
RECORD = "INSERT INTO schema_version (version) VALUES ({version:UInt32})"
IDENTITY = "SELECT toString(uuid) FROM system.tables WHERE database = currentDatabase() AND name = 'event'"

# One row an event, and never its text. `time` is the event's own (chat's log goes by it), `at` is when the thing
# happened: they differ for messages that were imported. The order serves the reports, the index the question which of
# some events are stored already. ReplacingMergeTree is only the second line behind the sink.
EVENT = """
CREATE TABLE IF NOT EXISTS event (
    event_id UUID,
    time DateTime64(3, 'UTC'),
    at DateTime64(3, 'UTC'),
    type LowCardinality(String),
    workspace_id UUID,
    channel_id UUID,
    person_id UUID COMMENT 'who did it: author, asker, actor; the nil UUID for nobody',
    subject_id UUID COMMENT 'what it is about: message, run, user, channel',
    length UInt32 COMMENT 'characters of the text',
    reply UInt8,
    ai UInt8 COMMENT 'a message of the bot',
    mentions UInt32,
    state LowCardinality(String) COMMENT 'of a run: done, stopped, failed',
    command LowCardinality(String),
    model LowCardinality(String),
    prompt_tokens UInt32,
    completion_tokens UInt32,
    duration_ms UInt32,
    INDEX time_index time TYPE minmax GRANULARITY 1
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (workspace_id, at, event_id)
SETTINGS non_replicated_deduplication_window = 10000
"""

# What a channel is called and who may find it, as of its change number `version`; the highest counts.
CHANNEL = """
CREATE TABLE IF NOT EXISTS channel (
    channel_id UUID,
    workspace_id UUID,
    kind LowCardinality(String),
    name String,
    archived UInt8,
    version UInt64
) ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace_id, channel_id)
"""


class Migration(NamedTuple):
    version: int
    statements: tuple[str, ...]


MIGRATIONS = (Migration(1, (EVENT, CHANNEL)),)
