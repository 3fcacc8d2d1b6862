"""A real HTTP process that is ready after a moment. Arguments: port, seconds until ready.

GET /crash ends it with code 7; SIGTERM ends it unless it was started with `stubborn`.
"""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

READY_AT = time.monotonic() + float(sys.argv[2])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/crash":
            os._exit(7)
        self.send_response(200 if time.monotonic() >= READY_AT else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        print(json.dumps({"event": "asked", "path": self.path, "level": "info"}), flush=True)


if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
