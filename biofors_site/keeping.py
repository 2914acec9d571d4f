"""Files that were classified are kept: each as an image of a dataset, beside it what the model said."""

from collections.abc import Mapping, Sequence
from typing import Any

from classifier.classifying import File
from classifier.models import ModelVersion, Prediction
from classifier.predicting import store_predictions
from datasets.decoding import safe_paper
from datasets.errors import Refused
from datasets.importing import store_image
from datasets.models import Dataset, Image


def keep_classified(
    dataset: Dataset, files: Sequence[File], answer: Mapping[str, Any], *, paper: str | None, author: Any
) -> list[dict[str, Any]]:
    """Store the files that were classified, with the predictions; return the results with what came of each.

    `answer` is that of `classify_files` for the same files, with all probabilities. A result gains `image`
    (`id`, `created`: false where the same bytes stood there already), or `not_stored` (`code`, `detail`),
    which keeps none of the others. Raises `ImageRefused` (unsafe_name) for the paper.
    """
    paper = safe_paper(paper) if paper else None
    version = ModelVersion.objects.get(pk=answer["model"]["id"])
    results: list[dict[str, Any]] = []
    predictions: dict[int, Prediction] = {}
    for (name, read), result in zip(files, answer["results"], strict=True):
        if "error" in result:
            results.append(result)
            continue
        try:
            image, created = store_image(dataset, data=read(), file_name=name, paper=paper, author=author)
        except Refused as refusal:
            results.append({**result, "not_stored": {"code": refusal.code, "detail": str(refusal)}})
            continue
        results.append({**result, "image": {"id": image.pk, "created": created}})
        predictions[image.pk] = prediction_of(image, version, result)
    store_predictions(version, list(predictions.values()))
    return results


def prediction_of(image: Image, version: ModelVersion, result: Mapping[str, Any]) -> Prediction:
    """Return, unsaved, what a version said of an image, from its result with all probabilities."""
    return Prediction(
        version=version,
        image_id=image.pk,
        predicted=result["label"],
        confidence=result["confidence"],
        probabilities=[round(result["probabilities"][name], 7) for name in version.classes],
    )
