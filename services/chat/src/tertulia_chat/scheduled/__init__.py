"""Messages that are sent later: once, or again and again by a rule."""
