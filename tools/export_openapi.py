"""Write the public API's description from the code, or with --check fail when the written one is out of date.

    python tools/export_openapi.py [--check]

The gateway's package carries a copy, because it answers /api/openapi.json and /api/docs with it.
"""

import json
import sys
from pathlib import Path

from tertulia_analytics.app import openapi_app as analytics_app
from tertulia_bot.app import openapi_app as bot_app
from tertulia_chat.app import openapi_app as chat_app
from tertulia_gateway.apidocs import OPENAPI
from tertulia_gateway.apidocs.merge import merge
from tertulia_gateway.apidocs.own import own_document
from tertulia_notify.app import openapi_app as notify_app
from tertulia_search.app import openapi_app as search_app

ROOT = Path(__file__).resolve().parent.parent
TARGETS = (ROOT / "docs" / "openapi.json", OPENAPI)


def export() -> str:
    documents = {
        "chat": chat_app().openapi_schema.to_schema(),
        "notify": notify_app().openapi_schema.to_schema(),
        "search": search_app().openapi_schema.to_schema(),
        "bot": bot_app().openapi_schema.to_schema(),
        "analytics": analytics_app().openapi_schema.to_schema(),
        "gateway": own_document(),
    }
    return json.dumps(merge(documents), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    text = export()
    stale = [target for target in TARGETS if not target.exists() or target.read_text("utf-8") != text]
    if "--check" in arguments:
        for target in stale:
            print(f"{target.relative_to(ROOT)} is out of date: run `make contracts`.")
        return 1 if stale else 0
    for target in stale:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        print(f"wrote {target.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
