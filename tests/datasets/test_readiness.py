"""A command on a data directory that nobody has served yet."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from datasets.management.readiness import make_ready


def manage(data_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a management command on the embedded database of a data directory."""
    without = ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "DJANGO_SETTINGS_MODULE")
    environment = {name: value for name, value in os.environ.items() if name not in without}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env={**environment, "BIOFORS_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_command_makes_its_database(tmp_path: Path) -> None:
    labels = tmp_path / "classification.json"
    labels.write_text('{"1": {"010001.png": "Blot/Gel"}}')
    (tmp_path / "images").mkdir()
    ended = manage(
        tmp_path, *f"import_biofors {labels} --images {tmp_path}/images --dataset d --json".split()
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["missing_files"] == 1
    assert "Making a new database" in ended.stderr


def test_an_older_database_is_not_changed_unasked(tmp_path: Path) -> None:
    assert manage(tmp_path, "migrate", "contenttypes", "0001").returncode == 0
    ended = manage(tmp_path, "make_split", "d", "--name", "s", "--ratios", "65:15:20")
    assert ended.returncode == 1
    assert "./run manage bootstrap" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.django_db
def test_a_database_with_all_tables_is_left_alone() -> None:
    said: list[str] = []
    make_ready(said.append)
    assert said == []
