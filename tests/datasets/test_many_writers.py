"""Many processes that label at once on one SQLite file."""

import json
import os
import sqlite3
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.test_architecture import ROOT

WRITERS = 6
RELABELS = 200
IMAGES = 5

MAKE = f"""
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0)
from tests.factories import ImageFactory, PaperFactory
ImageFactory.create_batch({IMAGES}, paper=PaperFactory(), label="FAC")
"""
WRITE = f"""
import json, random
from datasets.labelling import correct_label; from datasets.staleness import StaleLabel
from datasets.models import Image
classes = list(Image.objects.first().dataset.classes.all())
changed, stale, errors = 0, 0, []
while changed < {RELABELS} and not errors:
    image = random.choice(Image.objects.all())
    label = random.choice([each for each in classes if each.pk != image.label_id])
    try:
        batch = correct_label(
            image, label=label, excluded=False, author=None, expected_version=image.version
        )
        changed += batch is not None
    except StaleLabel:
        stale += 1
    except Exception as error:
        errors.append(repr(error))
print(json.dumps([changed, stale, errors]))
"""


def start(code: str, data_dir: Path) -> "subprocess.Popen[str]":
    """Start a Python of its own that works on the installation in this data directory."""
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "SECRET_KEY"}}
    return subprocess.Popen(
        [sys.executable, "-c", f"import django; django.setup()\n{code}"],
        cwd=ROOT,
        env={
            **kept,
            "DJANGO_SETTINGS_MODULE": "biofors_site.settings",
            "BIOFORS_DATA_DIR": str(data_dir),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result(process: "subprocess.Popen[str]") -> str:
    """Wait for a process; return what it printed, fail where it failed."""
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out


@pytest.mark.slow
def test_six_processes_lose_no_label_and_write_none_twice(tmp_path: Path) -> None:
    result(start(MAKE, tmp_path))
    writers = [start(WRITE, tmp_path) for _ in range(WRITERS)]
    told = [json.loads(result(writer)) for writer in writers]
    assert [(changed, errors) for changed, _, errors in told] == [(RELABELS, [])] * WRITERS

    with sqlite3.connect(tmp_path / "db.sqlite3") as database:
        history = database.execute(
            "SELECT image_id, version, label_class_id FROM datasets_label ORDER BY image_id, version"
        ).fetchall()
        images = database.execute("SELECT id, version, label_id FROM datasets_image ORDER BY id").fetchall()
        broken = database.execute("PRAGMA integrity_check").fetchall()
    assert broken == [("ok",)]
    assert len(history) == IMAGES + WRITERS * RELABELS
    for image, version, label in images:
        own = [(v, said) for of, v, said in history if of == image]
        assert [v for v, _ in own] == list(range(1, version + 1))
        assert own[-1] == (version, label)
        assert all(before != after for (_, before), (_, after) in pairwise(own))
