"""The row of an image that is stored for the first time."""

from datetime import datetime
from typing import Any

from datasets.importing.reading import Facts
from datasets.models import Dataset, Image
from datasets.models.image import panel_position


def new_image(
    facts: Facts,
    *,
    dataset: Dataset | None,
    paper_id: int | None,
    file_name: str,
    label_id: int | None,
    source: str,
    author: Any,
    at: datetime,
) -> Image:
    """Return an unsaved image; with a label it stands at version 1, said by the author at that time."""
    figure, panel_group = panel_position(file_name)
    return Image(
        dataset=dataset,
        paper_id=paper_id,
        file_name=file_name,
        figure=figure,
        panel_group=panel_group,
        sha256=facts.sha256,
        byte_size=facts.byte_size,
        width=facts.width,
        height=facts.height,
        format=facts.format,
        notes=facts.notes,
        label_id=label_id,
        version=1 if label_id else 0,
        label_source=source if label_id else "",
        labelled_by=author if label_id else None,
        labelled_at=at if label_id else None,
    )
