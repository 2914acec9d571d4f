"""Secrets that the embedded installation makes for itself, once."""

import contextlib
import os
import secrets
from pathlib import Path


def embedded_secret_key(data_dir: Path) -> str:
    """Return the key kept in the data directory, making it the first time; readable by its owner alone."""
    path = data_dir / "secret_key"
    if not path.exists():
        _make(path)
    return path.read_text().strip()


def _make(path: Path) -> None:
    """Write a key aside and link it to its name: of processes that start together the first one's stands."""
    aside = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)
