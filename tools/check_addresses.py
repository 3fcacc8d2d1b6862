"""Fails when a tracked file names a package index.

Locks without addresses install from whatever index the reader's machine is set up for.
"""

import re
import subprocess
import sys
from pathlib import Path

# Written so that this file does not match itself.
INDEX_HOSTS = re.compile(
    "|".join(
        (
            r"pypi[.]org",
            r"python[h]osted[.]org",
            r"registry[.]npm[j]s[.]org",
            r"registry[.]yarn[p]kg[.]com",
            r"index[.]crates[.]io",
            r"proxy[.]golang[.]org",
            r"repo[0-9]*[.]maven[.]apache[.]org",
            r"deb[.]debian[.]org",
        )
    )
)


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=True
    )
    return [Path(name) for name in listing.stdout.decode().split("\0") if name and Path(name).is_file()]


def main() -> int:
    found = 0
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if INDEX_HOSTS.search(line):
                print(f"{path}:{number}: names a package index")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
