"""The one door for people, before there is an environment."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NEEDS = ("cat", "cut", "basename", "dirname", "sha256sum", "rm")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh checkout: the script and the lock files, nothing made yet."""
    for name in ("run", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    for name in NEEDS:
        found = shutil.which(name)
        assert found is not None
        (tmp_path / "bin" / name).symlink_to(found)
    return tmp_path


def install_python(checkout: Path, name: str, *, version: str, venv: bool) -> None:
    """Put a Python of this version on the path, one that says only what the script asks."""
    python = checkout / "bin" / name
    python.write_text(
        f"#!/bin/sh\ncase $2 in *version_info*) echo {version} ;; *venv*) exit {0 if venv else 1} ;; esac\n"
    )
    python.chmod(0o755)


def run(checkout: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the script with nothing on the path but what the checkout holds."""
    shell = shutil.which("sh")
    assert shell is not None
    return subprocess.run(
        [shell, str(checkout / "run"), *args],
        env={"PATH": str(checkout / "bin"), "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_venv_module_is_answered_by_the_line_that_installs_it(checkout: Path) -> None:
    install_python(checkout, "python3", version="3.11", venv=False)
    ended = run(checkout, "demo")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "apt-get install -y python3-venv"
    assert not (checkout / ".venv").exists()


def test_another_python_than_the_system_s_needs_its_own_venv_package(checkout: Path) -> None:
    install_python(checkout, "python3", version="3.9", venv=True)
    install_python(checkout, "python3.12", version="3.12", venv=False)
    ended = run(checkout, "test")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "apt-get install -y python3.12-venv"


@pytest.mark.parametrize("version", [None, "3.10", "3.14"])
def test_without_a_python_in_range_it_says_which_are(checkout: Path, version: str | None) -> None:
    if version:
        install_python(checkout, "python3", version=version, venv=True)
    ended = run(checkout, "serve")
    assert ended.returncode == 1
    assert "No Python 3.11, 3.12 or 3.13 was found" in ended.stderr


def test_an_unknown_verb_shows_the_verbs(checkout: Path) -> None:
    ended = run(checkout, "dance")
    assert ended.returncode == 2
    assert "unknown verb: dance" in ended.stderr
    assert "./run VERB" in ended.stderr
