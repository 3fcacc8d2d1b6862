"""Keeping the peace: kicking, banning, muting, reports, and what people are told of it.

| deed | needs | where |
|---|---|---|
| kick | `kick_members` | a channel |
| ban, lift a ban, list them | `ban_members` | a channel, all of the workspace |
| mute, lift a mute, list them | `mute_members` | a channel, all of the workspace |
| report a message | may read it | anywhere |
| decide reports | `review_reports` | all of the workspace |

Nobody acts on somebody of their own rank or above it (`removal`). Each deed is in the audit log, in its transaction,
and the person is told of it by a notice: what, why and until when, and not by whom. Slow mode is set with the
channel's other rules (`PATCH /channels/{ch}`), deleting messages is in `messages`.
"""
