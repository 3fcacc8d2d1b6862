"""Making again what is derived from something else here, while everything serves: `python -m tertulia_chat rebuild`.

| what | is derived from |
|---|---|
| `unread` | which messages name whom (`mention`) and each channel's newest message: from the messages |
| `threads` | what stands under each thread's first message: from its replies |
| `notifications` | who was told of what and has seen how far: from the event log, as far back as that reaches |

Cursors and wishes are derived from nothing and stay. A notification is not decided anew: what people want of a channel
may have changed since, and they were told then what they were told.

Each walks over everything in pages without holding anything, and looks again under a lock before it changes what looked
wrong; what somebody is changing at that moment is therefore never undone. Repairs are not told as events: clients see
them when they ask the next time.
"""
