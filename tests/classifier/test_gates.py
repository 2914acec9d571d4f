"""What is checked before a version becomes champion."""

from typing import Any

import pytest

from classifier.aliases import promote, roll_back
from classifier.evaluation import evaluate
from classifier.gates import FAIL, PASS, UNKNOWN, Checked, GateFailed, OverrideNotAllowed, check_gates
from classifier.models import Alias, ModelVersion, Promotion
from datasets.models import Split
from tests.factories import UserFactory
from tests.factories_models import (
    ModelVersionFactory,
    images_in,
    labelled_dataset,
    predict_all,
    split_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def split() -> Split:
    """A split whose test subset holds 12 images of two classes."""
    return split_of(labelled_dataset(papers=12, slug="d"))


def scored(split: Split, *, wrong: int = 0, **fields: Any) -> ModelVersion:
    """A version that was evaluated on the test subset, with so many errors."""
    version = ModelVersionFactory(**{"split": split, **fields})
    predict_all(version, images_in(split, "test"), wrong=wrong)
    evaluate(version, split=split)
    return version


def outcomes(checked: Checked) -> dict[str, str]:
    return {gate.name: gate.outcome for gate in checked.gates}


def told(checked: Checked, name: str) -> str:
    return next(gate.told for gate in checked.gates if gate.name == name)


def test_the_first_champion_has_nothing_to_be_compared_with(split: Split) -> None:
    checked = check_gates(scored(split))
    assert set(outcomes(checked).values()) == {PASS}
    assert "nothing to compare with" in told(checked, "no_class_worse")


def test_a_version_that_loses_a_class_is_not_promoted_and_says_which(split: Split) -> None:
    champion, worse = scored(split), scored(split, wrong=3)
    promote(champion, reason="first")
    with pytest.raises(GateFailed, match=r"BlotGel recall .* against 1\.000") as refusal:
        promote(worse, reason="newer")
    assert set(refusal.value.fields or {}) == {"no_class_worse"}
    assert Alias.objects.get().version == champion
    assert Promotion.objects.count() == 1


def test_the_margin_is_what_may_be_lost(split: Split, settings: Any) -> None:
    champion, worse = scored(split), scored(split, wrong=1)
    promote(champion, reason="first")
    row = max(_numbers(worse), key=lambda each: each["drop"])
    settings.GATE_MARGIN = row["drop"]
    assert outcomes(check_gates(worse))["no_class_worse"] == PASS
    settings.GATE_MARGIN = row["drop"] - 0.001
    assert outcomes(check_gates(worse))["no_class_worse"] == FAIL


def _numbers(version: ModelVersion) -> list[dict[str, Any]]:
    gates = {gate.name: gate for gate in check_gates(version).gates}
    return gates["no_class_worse"].numbers


def test_a_champion_scored_elsewhere_is_a_doubt_and_no_refusal(split: Split) -> None:
    other = split_of(labelled_dataset(slug="e", papers=8), name="other")
    promote(scored(other), reason="first")
    version = scored(split)
    checked = check_gates(version)
    assert outcomes(checked)["no_class_worse"] == UNKNOWN
    assert "Evaluate" in told(checked, "no_class_worse")
    promote(version, reason="of our own data")
    assert Alias.objects.get().version == version


def test_papers_trained_on_that_are_in_the_test_subset_are_a_leak(split: Split) -> None:
    mixed = split_of(split.dataset, name="mixed", ratios="10:1:1")
    version = ModelVersionFactory(split=mixed)
    predict_all(version, images_in(split, "test"))
    evaluate(version, split=split)
    assert outcomes(check_gates(version))["no_leak"] == FAIL
    assert "was trained on" in told(check_gates(version), "no_leak")


def test_a_version_that_was_never_scored_is_not_promoted(split: Split) -> None:
    with pytest.raises(GateFailed, match="has not been scored on any test subset"):
        promote(ModelVersionFactory(split=split), reason="hope")
    imported = ModelVersionFactory(origin=ModelVersion.Origin.IMPORTED)
    assert outcomes(check_gates(imported))["evaluated"] == FAIL


def test_scores_on_val_are_no_scores_on_test(split: Split) -> None:
    version = scored(split)
    predict_all(version, images_in(split, "val"))
    on_val = evaluate(version, split=split, subset="val")
    assert outcomes(check_gates(version))["evaluated"] == PASS
    checked = check_gates(version, evaluation=on_val)
    assert outcomes(checked)["evaluated"] == FAIL
    assert outcomes(checked)["no_leak"] == FAIL


@pytest.mark.parametrize("harm", ["keras changed", "keras gone", "onnx changed", "far apart"])
def test_files_that_are_not_what_was_registered_are_noticed(split: Split, harm: str) -> None:
    version = scored(split)
    assert outcomes(check_gates(version))["exports"] == PASS
    if harm == "far apart":
        version.parity = 0.01
    elif harm == "keras gone":
        version.keras_path.unlink()
    else:
        (version.keras_path if "keras" in harm else version.onnx_path).write_bytes(b"something else")
    assert outcomes(check_gates(version))["exports"] == FAIL
    with pytest.raises(GateFailed):
        promote(version, reason="would answer otherwise")


def test_other_aliases_are_free(split: Split) -> None:
    promote(scored(split), reason="first")
    worse = scored(split, wrong=5)
    assert check_gates(worse, alias="candidate").gates == []
    assert promote(worse, alias="candidate", reason="to be tried").overridden == []


def test_an_administrator_overrides_and_the_history_says_what_failed(split: Split, user_in_role: Any) -> None:
    promote(scored(split), reason="first")
    worse = scored(split, wrong=3)
    for person in (user_in_role("curator"), UserFactory()):
        with pytest.raises(OverrideNotAllowed):
            promote(worse, reason="I know better", author=person, override=True)
    moved = promote(worse, reason="the old one leaked", author=user_in_role("admin"), override=True)
    assert moved.overridden == ["no_class_worse"]
    assert [gate["name"] for gate in moved.gates if gate["outcome"] == "fail"] == ["no_class_worse"]
    assert (moved.reason, moved.author) == ("the old one leaked", user_in_role("admin"))
    assert roll_back(reason="no").overridden == []


def test_a_promotion_is_based_on_the_newest_test_evaluation_unless_another_is_named(split: Split) -> None:
    version = scored(split)
    old = version.evaluations.get()
    new = evaluate(version, split=split)
    assert promote(version, alias="a", reason="newest").evaluation == new
    assert promote(version, alias="b", reason="named", evaluation=old).evaluation == old


def test_an_override_that_was_not_needed_is_none(split: Split) -> None:
    assert promote(scored(split), reason="good anyway", override=True).overridden == []


def test_gates_classify_nothing(split: Split) -> None:
    promote(scored(split), reason="first")
    version = scored(split)
    before = version.predictions.count()
    version.predictions.latest("pk").delete()
    assert outcomes(check_gates(version))["no_class_worse"] == UNKNOWN
    assert version.predictions.count() == before - 1
