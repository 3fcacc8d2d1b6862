"""The audit log: who governed a workspace how, from where, and who tried to.

`note` writes an entry in the transaction of the deed, so there is one if and only if it was done. A refusal is written
by `denials`, after the refused transaction is gone. The table takes no change and gives nothing up (a trigger).
Of messages an entry holds ids and lengths, never words; of channels that are not public neither the name; secrets, such
as the code of an invitation, stand in none.
"""

from tertulia_chat.audit.record import Action, Entry, Target, changes, fingerprint, note

__all__ = ["Action", "Entry", "Target", "changes", "fingerprint", "note"]
