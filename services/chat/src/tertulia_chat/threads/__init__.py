"""Threads as somebody follows them. Reading one is in `messages/`, how far one has read it in `attention/`."""
