"""A real worker that does itself harm at a chosen step: `python -m tests.faults.saboteur CELERY-ARGUMENTS`.

The steps come in the variable SABOTAGE, by `Harm.as_json`: for a job's name one harm, done once, in the
first attempt at it.
"""

import errno
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

from celery.__main__ import main
from celery.signals import task_prerun

VARIABLE = "SABOTAGE"


@dataclass(frozen=True)
class Harm:
    """What is done before, or `after`, a call of a function `module:name`, the first or a later one.

    `deed` is one of `kill` (this process), `kill the worker` (with all its processes), `end` (ask the worker
    to end), `fill` (the disk `where`, but for `left` bytes) and `shift` (this process' clock, by `hours`).
    """

    deed: str
    step: str
    after: bool = False
    call: int = 1
    where: str = ""
    left: int = 0
    hours: int = 0


def as_variable(harms: Mapping[str, Harm]) -> dict[str, str]:
    """Return the variable that tells a saboteur what to do."""
    return {VARIABLE: json.dumps({name: asdict(harm) for name, harm in harms.items()})}


def mark_of(data_dir: Path, name: str) -> Path:
    """Return the file that tells that the harm was done."""
    return data_dir / f"harmed-{name}"


def filler(disk: Path) -> Path:
    """Return the file that fills a disk."""
    return disk / "filler"


def do(harm: Harm) -> None:
    """Do it."""
    if harm.deed == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif harm.deed == "kill the worker":
        os.killpg(os.getpgrp(), signal.SIGKILL)
    elif harm.deed == "end":
        from training_jobs.endings import is_ending

        os.kill(os.getppid(), signal.SIGTERM)
        while not is_ending():
            time.sleep(0.01)
    elif harm.deed == "fill":
        fill(Path(harm.where), left=harm.left)
    elif harm.deed == "shift":
        from django.utils import timezone

        now = timezone.now
        timezone.now = lambda: now() + timedelta(hours=harm.hours)
    else:
        raise ValueError(harm.deed)


def fill(disk: Path, *, left: int) -> None:
    """Leave so many bytes free."""
    with filler(disk).open("wb", buffering=0) as file:
        for block in (2**20, 2**10, 1):
            try:
                while True:
                    file.write(bytes(block))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        file.truncate(max(0, file.tell() - left))


def prepare(harm: Harm, mark: Path) -> None:
    """Put the harm into its step."""
    module, _, names = harm.step.partition(":")
    *above, name = names.split(".")
    owner: Any = importlib.import_module(module)
    for each in above:
        owner = getattr(owner, each)
    step: Callable[..., Any] = getattr(owner, name)
    calls = 0

    @wraps(step)
    def harmed(*args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        result = step(*args, **named) if harm.after else None
        if calls == harm.call:
            mark.touch()
            do(harm)
        return result if harm.after else step(*args, **named)

    setattr(owner, name, harmed)


@task_prerun.connect
def _prepare_once(**_: object) -> None:
    """In the process that does the work: see which job it is, and whether it is to come to harm."""
    task_prerun.disconnect(_prepare_once)
    from django.conf import settings

    from training_jobs import running

    harms = {name: Harm(**told) for name, told in json.loads(os.environ[VARIABLE]).items()}
    run = running._run

    def run_with_harm(job: Any, claim: Any) -> None:
        name = getattr(job, "name", type(job).__name__)
        if job.attempt == 1 and name in harms:
            prepare(harms[name], mark_of(Path(settings.DATA_DIR), name))
        run(job, claim)

    running._run = run_with_harm


if __name__ == "__main__":
    sys.argv[0] = "celery"
    main()
