"""The threshold of a version: chosen with a reason, kept for good, told wherever it answers."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from classifier.abstaining import (
    BadThreshold,
    ThresholdReasonMissing,
    ThresholdStands,
    read_threshold,
    set_threshold,
)
from classifier.classifying import classify_files
from classifier.models import Threshold
from datasets.errors import Refused
from tests.factories import UserFactory, png
from tests.factories_models import ModelVersionFactory

pytestmark = pytest.mark.django_db


def test_below_the_threshold_it_abstains_and_still_says_the_most_probable_class() -> None:
    version = ModelVersionFactory(answers=True)
    files = [("a.png", lambda: png(1))]
    before = classify_files(files, model=version.pk)["results"][0]
    assert before["abstained"] is False
    set_threshold(version, abstain_below=before["confidence"] + 0.01, reason="too often wrong")
    answer = classify_files(files, model=version.pk)
    assert answer["abstain_below"] == pytest.approx(before["confidence"] + 0.01, abs=1e-4)
    assert answer["results"][0] == {**before, "abstained": True}
    set_threshold(version, abstain_below=before["confidence"] - 0.01, reason="lower")
    assert classify_files(files, model=version.pk)["results"][0] == before


def test_who_chose_what_when_and_why_is_kept() -> None:
    version, author = ModelVersionFactory(), UserFactory()
    set_threshold(version, abstain_below=0.72, reason=" by the curve ", author=author)
    set_threshold(version, abstain_below=None, reason="all are looked at", author=author)
    version.refresh_from_db()
    assert version.abstain_below is None
    assert [
        (each.previous, each.abstain_below, each.reason) for each in version.thresholds.order_by("pk")
    ] == [
        (None, 0.72, "by the curve"),
        (0.72, None, "all are looked at"),
    ]
    newest = Threshold.objects.first()
    assert newest
    assert newest.author == author
    with pytest.raises(TypeError):
        newest.delete()


@pytest.mark.parametrize("wrong", [-0.1, 1.2, float("nan"), float("inf")])
def test_what_is_no_confidence_is_refused(wrong: float) -> None:
    version = ModelVersionFactory()
    with pytest.raises(BadThreshold):
        set_threshold(version, abstain_below=wrong, reason="x")
    assert not Threshold.objects.exists()


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_threshold_needs_a_reason(reason: str) -> None:
    with pytest.raises(ThresholdReasonMissing):
        set_threshold(ModelVersionFactory(), abstain_below=0.5, reason=reason)


def test_a_reason_that_cannot_be_kept_is_refused() -> None:
    for reason, code in (("x" * 501, "reason_too_long"), ("a\0b", "bad_reason")):
        with pytest.raises(Refused) as refused:
            set_threshold(ModelVersionFactory(), abstain_below=0.5, reason=reason)
        assert refused.value.code == code


def test_the_same_threshold_again_is_told() -> None:
    version = ModelVersionFactory()
    with pytest.raises(ThresholdStands, match="never abstains already"):
        set_threshold(version, abstain_below=0, reason="x")
    set_threshold(version, abstain_below=0.72, reason="x")
    with pytest.raises(ThresholdStands, match=r"abstains below 0\.72 already"):
        set_threshold(version, abstain_below=0.72, reason="x")


def test_a_threshold_is_read_as_people_type_it() -> None:
    assert read_threshold(" 0,72 ") == 0.72
    assert read_threshold("none") is None
    assert read_threshold("") is None
    with pytest.raises(BadThreshold, match="'much' is no confidence"):
        read_threshold("much")


def test_commands_set_it_and_say_who_abstains(tmp_path: Path) -> None:
    version = ModelVersionFactory(answers=True)
    out = StringIO()
    call_command("set_threshold", str(version), "0.9999", reason="strict", stdout=out)
    assert f"{version} abstains below 0.9999 (before: never abstains)" in out.getvalue()
    (tmp_path / "a.png").write_bytes(png(1))
    out = StringIO()
    call_command("classify", str(tmp_path / "a.png"), stdout=out)
    assert "which abstains below 0.9999:" in out.getvalue()
    assert "1 abstained" in out.getvalue()
    out = StringIO()
    call_command("set_threshold", str(version), "none", reason="no more", json=True, stdout=out)
    assert json.loads(out.getvalue())["previous"] == 0.9999
    with pytest.raises(CommandError, match="no confidence"):
        call_command("set_threshold", str(version), "2", reason="x")
