"""An installation of the benchmark's own, kept between runs: what takes long is made once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
OUTSIDE = (
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "CACHE_URL",
    "BIOFORS_STORAGE",
    "SECRET_KEY",
    "PORT",
    "DEBUG",
    # They would change what is measured.
    "BIOFORS_INT8",
    "BIOFORS_CLASSIFY_RATE",
)
USER = "admin"


class Installation:
    """A data directory with its database and files, on SQLite and the embedded queue."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.environment = {name: value for name, value in os.environ.items() if name not in OUTSIDE}
        self.environment |= {
            "BIOFORS_DATA_DIR": str(self.data_dir),
            "BIOFORS_ADMIN_USER": USER,
            "DJANGO_SETTINGS_MODULE": "biofors_site.settings",
            "RESNET50_WEIGHTS": "none",
            "TF_CPP_MIN_LOG_LEVEL": "2",
        }

    def open(self) -> None:
        """Make the database ready, and let this process read it."""
        self.manage("bootstrap")
        for name in OUTSIDE:
            os.environ.pop(name, None)
        os.environ.update(self.environment)
        import django

        django.setup()

    def manage(self, *words: object, show: bool = False) -> str:
        """Run a management command; return its stdout, show its progress if asked to."""
        ended = subprocess.run(
            [sys.executable, "manage.py", *map(str, words)],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=None if show else subprocess.PIPE,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise SystemExit(f"{words[0]} failed: {ended.stderr or 'see above'}")
        return ended.stdout

    def told(self, *words: object, show: bool = False) -> dict[str, Any]:
        """Run a management command; return the JSON object that it prints."""
        found: dict[str, Any] = json.loads(self.manage(*words, "--json", show=show))
        return found

    def start(self, *words: str, log: str, **extra: str) -> subprocess.Popen[str]:
        """Start a process of this installation, in a group of its own, its words in a log."""
        with (self.folder / f"{log}.log").open("a") as file:
            return subprocess.Popen(
                words,
                cwd=ROOT,
                env={**self.environment, **extra},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                text=True,
                start_new_session=True,
            )

    def ask(self, module: str, *words: object, **extra: str) -> dict[str, Any]:
        """Run a module of the benchmark in a fresh process; return the JSON object on its last line."""
        ended = subprocess.run(
            [sys.executable, "-m", module, *map(str, words)],
            cwd=ROOT,
            env={**self.environment, **extra},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise SystemExit(f"{module} failed: see above")
        found: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
        return found

    def once(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what was made under a name, made now where it was not yet."""
        kept = self.folder / f"{name}.json"
        if not kept.is_file():
            print(f"Making {name}, once; kept in {self.folder}", flush=True)
            made = make()
            unfinished = kept.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(made))
            unfinished.replace(kept)
        found: dict[str, Any] = json.loads(kept.read_text())
        return found

    def token(self) -> str:
        """Return a new token of the administrator."""
        return str(self.told("create_token", USER)["token"])

    def imported_sample(self, dataset: str, *, papers: int, seed: int) -> dict[str, Any]:
        """Draw a sample and import it as a dataset, once; return its folder and how many images it has."""

        def make() -> dict[str, Any]:
            folder = self.folder / f"drawn-{dataset}"
            drawn = self.told("make_sample", folder, "--papers", papers, "--seed", seed)
            self.manage(
                "import_biofors", folder / "classification.json", "--images", folder / "images",
                "--dataset", dataset,
            )  # fmt: skip
            return {"folder": str(folder), "images": drawn["images"]}

        return self.once(dataset, make)

    def trained(self, split: str, *, name: str, settings: Sequence[str]) -> dict[str, Any]:
        """Train a version, once; return what `train --wait` tells, its row's facts beside it."""
        return self.once(
            f"model-{name}",
            lambda: self.told("train", split, "--name", name, *settings, "--wait", show=True),
        )


def settings_of(changes: dict[str, Any]) -> list[str]:
    """Return settings as `train` takes them."""
    return [word for name, value in changes.items() for word in ("--set", f"{name}={value}")]
