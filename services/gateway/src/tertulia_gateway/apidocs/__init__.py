"""The public API's description: one OpenAPI document out of the services' own, and a page that shows it.

`openapi.json` is written by tools/export_openapi.py and travels with the package, so that the description can be read
while a service is away, and is the one that was reviewed.
"""

from pathlib import Path

OPENAPI = Path(__file__).parent / "openapi.json"
