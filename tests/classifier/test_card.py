"""Model cards, made from the record."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from classifier.abstaining import set_threshold
from classifier.card import card_of, written
from classifier.describing import describe
from classifier.evaluation import evaluate
from classifier.models import Calibration, Evaluation, ModelVersion
from datasets.models import Split
from tests.factories_models import ModelVersionFactory, images_in, labelled_dataset, predict_all, split_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def split() -> Split:
    """A split of 6 papers with 24 images of two classes."""
    return split_of(labelled_dataset(slug="d"))


def scored(split: Split, **fields: Any) -> ModelVersion:
    version = ModelVersionFactory(split=split, training_set_sha256="ab" * 32, **fields)
    predict_all(version, images_in(split, "test"), wrong=1)
    evaluate(version, split=split)
    return version


def test_a_card_says_what_it_learnt_from_and_how_good_it_is(split: Split) -> None:
    version = scored(split, libraries={"keras": "3.15.1"}, code_version="v1-2-gabc")
    text = written(card_of(version))
    evaluation = version.evaluations.get()
    for told in (
        f"# Model card of {version}",
        "- **Dataset:** d",
        "- **Papers:** " + ", ".join(f"{subset} {count}" for subset, count in split.counts["papers"].items()),
        "ab" * 32,
        "- **seed:** 0",
        "v1-2-gabc",
        "- **keras:** 3.15.1",
        "## Scores on d/s test",
        f"- **macro-F1:** {evaluation.macro_f1:.3f}",
        "fewer than 30",
        "not recorded here; say it in the notes",
    ):
        assert told in text
    train = images_in(split, "train").filter(label__name="BlotGel").count()
    assert f"| BlotGel | {train} |" in text
    assert "()" not in text


def test_intervals_are_shown_where_there_are_any(split: Split) -> None:
    version = scored(split)
    intervals = {
        "level": 0.95,
        "method": "bootstrap by paper",
        "replicates": 2000,
        "macro_f1": [0.5, 0.75],
        "per_class": {"BlotGel": {"recall": [0.25, 1.0], "precision": None, "f1": [None, None]}},
    }
    Evaluation.objects.filter(version=version).update(intervals=intervals)
    text = written(card_of(version))
    assert "(0.500 to 0.750)" in text
    assert "(0.250 to 1.000)" in text
    assert "95 % intervals (bootstrap by paper, 2,000 replicates)" in text


def test_how_far_its_confidence_can_be_believed_is_told(split: Split) -> None:
    version = scored(split)
    text = written(card_of(version))
    assert "It has no temperature" in text
    assert "- **Threshold:** it never abstains" in text
    Calibration.objects.create(
        version=version,
        split=split,
        label_cutoff=split.created_at,
        images=60,
        papers=7,
        temperature=1.75,
        nll_before=1,
        nll_after=0.8,
        ece_before=0.21,
        ece_after=0.04,
    )
    set_threshold(version, abstain_below=0.72, reason="5 % wrong at most")
    text = written(card_of(version))
    assert "1.750, fitted on 60 images of 7 papers of d/s val" in text
    assert "0.210 without it" in text
    assert "- **Threshold:** it abstains below 0.72" in text
    assert "by a command: 5 % wrong at most" in text


def test_nothing_that_a_person_wrote_becomes_markup(split: Split) -> None:
    version = scored(split, origin_note="[click](javascript:alert(1)) | cell")
    describe(version, notes="# Big\n<script>alert(1)</script>\n- **bold** ![x](http://e) `code`")
    text = written(card_of(version))
    assert "<script>" not in text
    assert "[click](" not in text
    assert "\n# Big" not in text
    assert "> \\# Big" in text
    assert "> &lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "\\*\\*bold\\*\\*" in text


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    text = written(card_of(ModelVersionFactory(origin=ModelVersion.Origin.IMPORTED)))
    assert "It was trained elsewhere" in text
    assert "It has not been evaluated" in text
    assert "do not rely on it" in text


def test_a_leak_is_among_the_cautions() -> None:
    split = split_of(labelled_dataset(papers=12, slug="d"))
    mixed = split_of(split.dataset, name="mixed", ratios="10:1:1")
    version = ModelVersionFactory(split=mixed)
    predict_all(version, images_in(split, "test"))
    evaluate(version, split=split)
    assert "its scores here will be too good" in written(card_of(version))


def test_the_command_prints_or_writes_it(split: Split, tmp_path: Path) -> None:
    version = scored(split)
    out = StringIO()
    call_command("model_card", str(version), stdout=out)
    assert out.getvalue().startswith(f"# Model card of {version}")
    call_command("model_card", str(version), output=tmp_path / "card.md", stdout=StringIO())
    assert (tmp_path / "card.md").read_text() == out.getvalue()
