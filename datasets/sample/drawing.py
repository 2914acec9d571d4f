"""From a plan to files: each image from its own numbers, papers in several processes."""

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from datasets.sample.looks import Look
from datasets.sample.near_copies import changed
from datasets.sample.planning import Plan, PlannedImage
from datasets.sample.styles import PHOTOGRAPHED, Panel, all_styles

Progress = Callable[[int, int], None]
# So few are drawn sooner than other processes start.
_ALONE = 8


def draw_image(image: PlannedImage) -> NDArray[np.uint8]:
    """Draw one image, (height, width, 3) uint8."""
    if image.copy_of is not None:
        rng = np.random.default_rng([image.own, image.paper, image.figure, image.group, image.place])
        return changed(draw_image(image.copy_of), image.changes, rng)
    style = all_styles()[image.style]
    look = Look.of_paper(np.random.default_rng(image.look))
    kin, own = np.random.default_rng(image.kin), np.random.default_rng(image.own)
    width, height = style.panel_size(kin)
    drawn = style.draw(Panel(width, height, kin, own, look))
    return look.printed(drawn, own, framed=style.label in PHOTOGRAPHED)


def draw_paper(images: Sequence[PlannedImage], folder: Path) -> int:
    """Write the images of one paper as PNG into a folder; return how many."""
    folder.mkdir(parents=True)
    for image in images:
        Image.fromarray(draw_image(image)).save(folder / image.file_name, "PNG")
    return len(images)


def draw_papers(
    plan: Plan, folder: Path, *, processes: int | None = None, progress: Progress | None = None
) -> None:
    """Write every paper of a plan into a folder of its own; the files do not depend on the processes."""
    total = sum(len(paper) for paper in plan.papers)
    done = 0
    papers = [(paper, folder / paper[0].paper_name) for paper in plan.papers]
    workers = processes or (1 if len(papers) <= _ALONE else _processors())
    if workers == 1:
        for paper, own_folder in papers:
            done += draw_paper(paper, own_folder)
            if progress:
                progress(done, total)
        return
    # A fork would take threads and open connections of the caller with it.
    with ProcessPoolExecutor(
        min(workers, len(papers)),
        mp_context=get_context("spawn"),
        initializer=_leave_interrupts_to_the_caller,
    ) as pool:
        try:
            for finished in as_completed([pool.submit(draw_paper, *paper) for paper in papers]):
                done += finished.result()
                if progress:
                    progress(done, total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _leave_interrupts_to_the_caller() -> None:
    """Ignore Ctrl-C, which reaches every process of a terminal: the caller ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
