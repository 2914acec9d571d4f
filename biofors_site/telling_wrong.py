"""A person says that a model is wrong about a file: that becomes a labelled image, put to a second person."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from biofors_site.keeping import prediction_of
from classifier.classifying import File, classify_files
from classifier.models import ModelVersion
from classifier.predicting import store_predictions
from datasets.decoding import ImageRefused
from datasets.importing import store_image
from datasets.labelling import LONGEST_REASON, correct_label
from datasets.models import Dataset, Image, LabelBatch, LabelClass
from datasets.queues.asking import ask_second_opinion


@dataclass(frozen=True)
class Told:
    """What came of it: the image (and whether it is new), the batch that labelled it, what was said of it.

    `batch` is None where the image was labelled before: its label stays, `asked` says whether a second
    person is to look at it.
    """

    image: Image
    created: bool
    batch: LabelBatch | None
    version: ModelVersion
    said: str
    confidence: float
    asked: bool


def tell_wrong(
    dataset: Dataset,
    files: Sequence[File],
    *,
    label: LabelClass,
    model: str | None,
    paper: str | None = None,
    note: str = "",
    author: Any,
) -> Told:
    """Store the one file with the label that a person gave it, beside it what the model says of it.

    The label's reason names the model, what it said and how sure it was. A second person is asked, without
    seeing the label. Raises what `classify_files`, `store_image` and `correct_label` raise; `ImageRefused`
    where it is no acceptable image.
    """
    answer = classify_files(files, model=model, user=author)
    (result,) = answer["results"]
    if "error" in result:
        raise ImageRefused(result["error"]["detail"], code=result["error"]["code"])
    version = ModelVersion.objects.get(pk=answer["model"]["id"])
    ((name, read),) = files
    image, created = store_image(dataset, data=read(), file_name=name, paper=paper, author=author)
    store_predictions(version, [prediction_of(image, version, result)])
    batch = None
    # What somebody else said of it is not overwritten unseen.
    if image.label_id is None and not image.excluded:
        reason = f"{version} said {result['label']} ({result['confidence']:.2f})"
        batch = correct_label(
            image,
            label=label,
            excluded=False,
            author=author,
            reason=f"{reason}: {note}"[:LONGEST_REASON] if note else reason,
            expected_version=image.version,
        )
    asked = ask_second_opinion(dataset, [image.pk])
    is_asked = bool(asked.asked or asked.already)
    return Told(image, created, batch, version, result["label"], result["confidence"], is_asked)
