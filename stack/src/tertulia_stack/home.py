"""Where a stack keeps its things: one data directory, and the checkout it may run from."""

import base64
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The data directory and the names inside it. Secrets are readable by their owner alone."""

    data_dir: Path

    @property
    def postgres(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def nats(self) -> Path:
        return self.data_dir / "nats"

    @property
    def search(self) -> Path:
        """The embedded search engine's index."""
        return self.data_dir / "search"

    @property
    def analytics(self) -> Path:
        """The embedded ClickHouse's data."""
        return self.data_dir / "analytics"

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def lock_file(self) -> Path:
        """Locked while a stack runs on this data; the kernel lets go of it however the supervisor ends."""
        return self.data_dir / "lock"

    @property
    def state_file(self) -> Path:
        return self.data_dir / "state.json"

    @property
    def ports_file(self) -> Path:
        return self.data_dir / "ports.json"

    @property
    def seed_file(self) -> Path:
        return self.data_dir / "seed.json"

    def log_of(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    def create(self) -> None:
        """Make the folders. The data directory itself can be passed through: PostgreSQL may be another user."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(mode=0o700, exist_ok=True)

    def secret_key(self) -> str:
        """The installation's secret (base64url of 32 bytes), made up at the first start."""
        kept = self.data_dir / "secret_key"
        if not kept.exists():
            write_private(kept, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        return kept.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Replace the file whole, readable by its owner alone."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)


def checkout(start: Path) -> Path | None:
    """The Tertulia checkout that `start` lies in, if any."""
    for folder in (start, *start.parents):
        manifest = folder / "pyproject.toml"
        if (folder / "stack").is_dir() and manifest.is_file() and 'name = "tertulia"\n' in manifest.read_text():
            return folder
    return None


def default_data_dir(cwd: Path, home: Path) -> Path:
    """`.tertulia` of the checkout one stands in, else the user's own data folder."""
    root = checkout(cwd)
    return root / ".tertulia" if root is not None else home / ".local" / "share" / "tertulia"


def built_web(cwd: Path) -> Path | None:
    """The built front end of the checkout one stands in, or of the one this package was installed from."""
    for start in (cwd, Path(__file__).parent):
        root = checkout(start)
        if root is not None and (root / "web" / "dist" / "index.html").is_file():
            return root / "web" / "dist"
    return None
