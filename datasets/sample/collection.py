"""The sample as a folder: labels as BioFors publishes them, images, and the truth beside them.

`truth.json` is one object:

    seed          the number that everything was drawn from
    papers        how many papers there are
    classes       {paper: {file: true class}}, in the spellings of `classification.json`
    styles        {paper: {file: name of the style it was drawn in}}
    wrong_labels  [{"paper", "file", "given": label in `classification.json`, "true": true class}]
    near_copies   [{"paper", "file", "copy_of": {"paper", "file"}, "changes": [what was done to the copy]}]

No wrong label is planted on a near-copy or its original.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.errors import Refused
from datasets.new_folder import new_folder
from datasets.sample.drawing import Progress, draw_papers
from datasets.sample.planning import DEFAULT_PAPERS, FEWEST_PAPERS, MOST_PAPERS, SEVERAL, Plan, plan_sample
from datasets.sample.styles import LABELS

LABELS_FILE = "classification.json"
TRUTH_FILE = "truth.json"
IMAGES = "images"
_LARGEST_SEED = 2**32 - 1


class InvalidSample(Refused):
    """Raised for a number of papers or a seed that no sample can be drawn with."""

    code = "invalid_sample"


@dataclass(frozen=True)
class Sample:
    """What was drawn; `classes` counts the images by their true class."""

    output: str
    seed: int
    papers: int
    images: int
    classes: dict[str, int]
    wrong_labels: int
    near_copies: int


def draw_sample(
    output: Path,
    *,
    papers: int = DEFAULT_PAPERS,
    seed: int = 0,
    processes: int | None = None,
    progress: Progress | None = None,
) -> Sample:
    """Draw a sample into a new folder, whole or not at all; raises InvalidSample, OutputNotEmpty.

    The same papers and seed give the same bytes, whatever the number of processes.
    """
    if not FEWEST_PAPERS <= papers <= MOST_PAPERS:
        raise InvalidSample(
            f"A sample needs {FEWEST_PAPERS} to {MOST_PAPERS:,} papers, so that each class occurs in "
            f"at least {SEVERAL} of them; {papers:,} were asked for. Give --papers a number in that range."
        )
    if not 0 <= seed <= _LARGEST_SEED:
        raise InvalidSample(f"The seed must be from 0 to {_LARGEST_SEED}, not {seed}.")
    with new_folder(Path(output)) as folder:
        plan = plan_sample(papers=papers, seed=seed)
        draw_papers(plan, folder / IMAGES, processes=processes, progress=progress)
        labels = {
            paper[0].paper_name: {image.file_name: image.given for image in paper} for paper in plan.papers
        }
        _write_json(folder / LABELS_FILE, labels)
        truth = _truth(plan)
        _write_json(folder / TRUTH_FILE, truth)
    found = Counter(image.label for image in plan.images())
    return Sample(
        output=str(output),
        seed=seed,
        papers=papers,
        images=found.total(),
        classes={label: found[label] for label in LABELS},
        wrong_labels=len(truth["wrong_labels"]),
        near_copies=len(truth["near_copies"]),
    )


def _truth(plan: Plan) -> dict[str, Any]:
    """Return what `truth.json` holds."""
    named = [(image, {"paper": image.paper_name, "file": image.file_name}) for image in plan.images()]
    return {
        "seed": plan.seed,
        "papers": len(plan.papers),
        "classes": {
            paper[0].paper_name: {image.file_name: image.label for image in paper} for paper in plan.papers
        },
        "styles": {
            paper[0].paper_name: {image.file_name: image.style for image in paper} for paper in plan.papers
        },
        "wrong_labels": [
            {**name, "given": image.given, "true": image.label}
            for image, name in named
            if image.given != image.label
        ],
        "near_copies": [
            {
                **name,
                "copy_of": {"paper": image.copy_of.paper_name, "file": image.copy_of.file_name},
                "changes": list(image.changes),
            }
            for image, name in named
            if image.copy_of
        ],
    }


def _write_json(path: Path, value: Any) -> None:
    """Write a JSON file that a person can read."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
