"""An import whose dataset is purged under it ends with a sentence that says so."""

from collections.abc import Callable
from pathlib import Path

import pytest

from datasets.importing import DatasetGone, import_biofors, reading
from datasets.models import Dataset, Image, Label, Paper
from datasets.purging import purge_dataset
from tests.datasets.folders import write_images, write_labels
from tests.factories import DatasetFactory

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("010101.png", "010201.png", "010301.png", "010401.png")
Import = Callable[..., None]


@pytest.fixture
def import_four(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    """Import four images, one at a time; after the second `then` happens."""
    monkeypatch.setattr(reading, "BATCH", 1)

    def run(then: Callable[[], object] = lambda: None, *, papers: str = "1111", label: str = "FACS") -> None:
        listed: dict[str, dict[str, str]] = {}
        for seed, (paper, name) in enumerate(zip(papers, NAMES, strict=True)):
            write_images(tmp_path / "images" / paper, {name: seed})
            listed.setdefault(paper, {})[name] = label
        labels = write_labels(tmp_path / "classification.json", listed)
        import_biofors(
            labels,
            images=tmp_path / "images",
            dataset="d",
            progress=lambda done, _: then() if done == 2 else None,
        )

    return run


def purge() -> None:
    purge_dataset(Dataset.objects.get(slug="d"))


def purge_and_make_anew() -> None:
    purge()
    DatasetFactory(slug="d")


@pytest.mark.parametrize("papers", ["1111", "1234"])
@pytest.mark.parametrize("known_before", [True, False])
def test_a_purge_under_an_import_ends_it_with_a_named_refusal(
    import_four: Import, papers: str, known_before: bool
) -> None:
    if known_before:
        DatasetFactory(slug="d")
    with pytest.raises(DatasetGone, match="d was removed while this import was under way") as caught:
        import_four(purge, papers=papers)
    assert (caught.value.code, caught.value.status) == ("dataset_gone", 409)
    left = [model.objects.count() for model in (Dataset, Paper, Image, Label)]  # type: ignore[attr-defined]
    assert left == [0, 0, 0, 0]


def test_a_purge_under_an_import_of_changed_labels_ends_it_too(import_four: Import) -> None:
    import_four()
    with pytest.raises(DatasetGone):
        import_four(purge, label="Microscopy")
    assert not Dataset.objects.exists()


def test_a_dataset_made_anew_under_the_same_name_gets_nothing_of_it(import_four: Import) -> None:
    with pytest.raises(DatasetGone):
        import_four(purge_and_make_anew)
    assert Dataset.objects.get(slug="d").images.count() == 0
    import_four()
    assert Dataset.objects.get(slug="d").images.count() == 4
