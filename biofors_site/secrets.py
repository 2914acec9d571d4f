"""Secrets that the embedded installation makes for itself, once."""

import os
import secrets
from pathlib import Path


def embedded_secret_key(data_dir: Path) -> str:
    """Return the key kept in the data directory, making it the first time; readable by its owner alone."""
    path = data_dir / "secret_key"
    for _ in range(2):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            key = path.read_text().strip()
            if key:
                return key
            # Empty only where another process stands between its create and its write.
            path.unlink(missing_ok=True)
            continue
        with os.fdopen(descriptor, "w") as file:
            key = secrets.token_urlsafe(50)
            file.write(key)
            return key
    return embedded_secret_key(data_dir)
