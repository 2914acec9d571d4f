"""How good an epoch was: scores on validation, and what epochs are compared by."""

from collections.abc import Callable, Sequence

import numpy as np

from classifier.metrics import score
from classifier.networks.stages import Stage

PREDICT_BATCH = 64


def judge(stage: Stage, classes: Sequence[str], *, look_up: Callable[[], None]) -> dict[str, float | None]:
    """Score the validation images: val_loss, val_accuracy, val_macro_f1; None each without images.

    `look_up` is called after each batch, and may raise to stop.
    """
    count = len(stage.validation)
    if not count:
        return {"val_loss": None, "val_accuracy": None, "val_macro_f1": None}
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
    }


def rank(
    best_by: str,
    *,
    loss: float,
    accuracy: float,
    val_loss: float | None,
    val_accuracy: float | None,
    val_macro_f1: float | None,
) -> tuple[float, float]:
    """Return what epochs are compared by: the chosen score, then the lower loss."""
    if val_loss is None or val_accuracy is None or val_macro_f1 is None:
        return accuracy, -loss
    return (val_macro_f1 if best_by == "val_macro_f1" else val_accuracy), -val_loss
