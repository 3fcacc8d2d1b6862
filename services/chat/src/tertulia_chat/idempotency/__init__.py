"""`Idempotency-Key`: a request that comes again is answered as the first time, and does nothing.

A handler takes part by being declared with this `post` instead of the shared one. Nothing else in it knows:

* `layer` stands around the handler. It opens a transaction, of which every `Database.transaction()` inside becomes a
  part, and commits what was done together with what was answered. So there are both or neither, however the process
  ends; a key that is at work is locked in PostgreSQL, and the lock ends with the connection that holds it.
* When the key is known, the handler is *rehearsed*: it runs as always and is rolled back. If it refuses the caller, who
  may have lost the right meanwhile, that is the answer; otherwise the first one is given again. So whatever a handler
  checks is checked, without a second set of rules.
* Only what succeeded is kept, for a day (`retention`), and for each person for themselves.

Who does not take part: the addresses that hand out tokens (`accounts`), because secrets are not stored; those that
answer with the text of a message, because a kept answer would outlive its erasure. These have a `client_msg_id`, or
come to the same end when they are repeated. A request without the header costs no statement.
"""

from tertulia_chat.idempotency.layer import post
from tertulia_chat.idempotency.retention import KeyRetention

__all__ = ["KeyRetention", "post"]
