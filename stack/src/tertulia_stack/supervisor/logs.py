"""What the processes say, kept in bounded files."""

from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 8 * 1024 * 1024
KEPT = 3


class LogFile:
    """An append-only file that starts anew at MAX_BYTES; `name.log.1` … `name.log.3` are the former ones."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._file: BinaryIO = path.open("ab")

    def write(self, data: bytes) -> None:
        """Append; turns the page between lines only."""
        self._file.write(data)
        self._file.flush()
        if data.endswith(b"\n") and self._file.tell() > self._max_bytes:
            self._turn()

    def close(self) -> None:
        self._file.close()

    def last_lines(self, count: int) -> list[str]:
        """The end of the file, for a message about what went wrong."""
        with self.path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 16_384))
            return file.read().decode(errors="replace").splitlines()[-count:]

    def _turn(self) -> None:
        self._file.close()
        for number in range(KEPT - 1, 0, -1):
            older = self._former(number)
            if older.exists():
                older.replace(self._former(number + 1))
        self.path.replace(self._former(1))
        self._file = self.path.open("ab")

    def _former(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
