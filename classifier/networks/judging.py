"""How good an epoch was: scores on validation, and what epochs are compared by."""

from collections.abc import Callable, Sequence
from typing import TypedDict

import numpy as np

from classifier.metrics import score
from classifier.networks.stages import Stage

PREDICT_BATCH = 64


class Judged(TypedDict):
    """Scores on validation, as an EpochResult has them; None each without images."""

    val_loss: float | None
    val_accuracy: float | None
    val_macro_f1: float | None
    val_f1: dict[str, float | None] | None


def judge(stage: Stage, classes: Sequence[str], *, look_up: Callable[[], None]) -> Judged:
    """Score the validation images.

    `look_up` is called after each batch, and may raise to stop.
    """
    count = len(stage.validation)
    if not count:
        return {"val_loss": None, "val_accuracy": None, "val_macro_f1": None, "val_f1": None}
    answers = []
    for start in range(0, count, PREDICT_BATCH):
        which = np.arange(start, min(start + PREDICT_BATCH, count), dtype=np.int64)
        answers.append(stage.model.predict_on_batch(stage.validation_inputs(which)))
        look_up()
    probabilities = np.concatenate(answers)
    labels = stage.validation.labels
    said = np.clip(probabilities[np.arange(count), labels], 1e-7, 1.0)
    scores = score(
        [classes[label] for label in labels],
        [classes[label] for label in probabilities.argmax(axis=1)],
        classes=classes,
    )
    return {
        "val_loss": float(-np.log(said).mean()),
        "val_accuracy": scores.accuracy,
        "val_macro_f1": scores.macro_f1,
        "val_f1": {each.name: each.f1 for each in scores.per_class},
    }


def rank(best_by: str, *, loss: float, accuracy: float, judged: Judged) -> tuple[float, float]:
    """Return what epochs are compared by: the chosen score, then the lower loss."""
    if judged["val_loss"] is None:
        return accuracy, -loss
    chosen = judged["val_macro_f1"] if best_by == "val_macro_f1" else judged["val_accuracy"]
    assert chosen is not None
    return chosen, -judged["val_loss"]
