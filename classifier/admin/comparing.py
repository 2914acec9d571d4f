"""Versions side by side on the same images: a verdict, scores, matrices, images fixed and broken."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from classifier.answers import predicted_by, truths_of
from classifier.cautions import TrainedOnTest
from classifier.comparison import MOST_MODELS, Comparison, behind, compare
from classifier.evaluation import EvaluationIncomplete
from classifier.matrix import shown_difference, shown_matrix
from classifier.metrics import Scores
from classifier.models import ModelVersion, Prediction
from classifier.models.registry import CHAMPION
from classifier.pairing import Change, Paired
from classifier.registry import find_model
from classifier.statistics.resampling import METHOD
from classifier.verdict import judge
from datasets.admin.page import Page, address
from datasets.api.filter_forms import split_named
from datasets.errors import Refused
from datasets.models import Image, Split, Subset
from datasets.queries import class_looks

OFFERED = 100
MOST_IMAGES = 60


class ComparePage(Page):
    """The comparison of an address: `models`, `split`, `subset`, `baseline`, `pair` (whose difference)."""

    title = "Compare"
    template_name = "classifier/compare.html"
    permissions = ("classifier.view_modelversion", "classifier.view_evaluation")

    @cached_property
    def versions(self) -> list[ModelVersion]:
        """The versions asked for, each once: the baseline first, else the champion, else the oldest."""
        texts = [text for given in self.request.GET.getlist("models") for text in given.split(",")]
        found = {
            version.pk: version
            for version in (find_model(text, self.request.user) for text in texts if text.strip())
        }
        baseline = self.request.GET.get("baseline", "")
        return sorted(
            found.values(),
            key=lambda version: (
                str(version.pk) != baseline,
                not any(alias.name == CHAMPION for alias in version.aliases.all()),
                version.pk,
            ),
        )

    @cached_property
    def split(self) -> Split | None:
        """The split asked for, else that of the first version, else the newest."""
        if asked := self.request.GET.get("split"):
            return split_named(asked, self.request.user)
        own = next((version.split for version in self.versions if version.split), None)
        return own or Split.objects.visible_to(self.request.user).first()

    @property
    def subset(self) -> str:
        """The subset asked for."""
        return self.request.GET.get("subset") or Subset.TEST

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what can be chosen, and the comparison of what is, or why there is none."""
        versions, split = self.versions, self.split
        self.use(split.dataset if split else None)
        seen = ModelVersion.objects.visible_to(self.request.user).select_related("split__dataset")
        return {
            **super().get_context_data(**kwargs),
            "offered": seen.prefetch_related("aliases")[:OFFERED],
            "versions": versions,
            "chosen": {version.pk for version in versions},
            "split": split,
            "subset": self.subset,
            "splits": Split.objects.visible_to(self.request.user).select_related("dataset"),
            "subsets": Subset.values,
            "most": MOST_MODELS,
            "may_evaluate": self.may("classifier.add_evaluation"),
            "may_promote": self.may("classifier.add_promotion"),
            **(self._compared(versions, split) if len(versions) > 1 and split else {}),
        }

    def _compared(self, versions: list[ModelVersion], split: Split) -> dict[str, Any]:
        """Return what is shown of a comparison, or of the refusal of one."""
        despite_leaks = bool(self.request.GET.get("despite_leaks"))
        try:
            done = compare(versions, split=split, subset=self.subset, despite_leaks=despite_leaks)
        except EvaluationIncomplete as refusal:
            return {"refusal": refusal, "lacking": _lacking(versions, split, self.subset)}
        except TrainedOnTest as refusal:
            return {"refusal": refusal, "query": self._query(), "offers_leaks": True}
        except Refused as refusal:
            return {"refusal": refusal}
        pair = self._pair(done)
        sides = {version.pk: version for version in versions}
        verdicts = [judge(done, each) for each in done.paired]
        return {
            "comparison": done,
            "looks": class_looks(split.dataset),
            "cautions": done.cautions,
            "verdicts": verdicts,
            "promoting": self._promoting(done),
            "table": _score_table(done),
            "matrices": [self._matrix(done, place) for place in range(len(versions))],
            "pair": pair,
            "pairs": [(each, sides[each.b]) for each in done.paired],
            "a": sides[pair.a],
            "b": sides[pair.b],
            "names": {"a": str(sides[pair.a]), "b": str(sides[pair.b])},
            "query": self._query(),
            "difference": zip(done.classes, shown_difference(done.classes, pair.difference), strict=True),
            "fixed": self._said(pair, pair.fixed),
            "broken": self._said(pair, pair.broken),
            "both_wrong": self._said(pair, pair.both_wrong),
            "most_images": MOST_IMAGES,
            "method": METHOD,
        }

    def _query(self) -> str:
        """Return the address' parameters but for the pair."""
        query = self.request.GET.copy()
        query.pop("pair", None)
        return query.urlencode()

    def _pair(self, done: Comparison) -> Paired:
        """Return the pair whose difference is shown."""
        asked = self.request.GET.get("pair")
        return next((pair for pair in done.paired if str(pair.b) == asked), done.paired[0])

    def _promoting(self, done: Comparison) -> dict[str, Any] | None:
        """Return the version with the best macro-F1 and a reason to promote it; None for the champion.

        `is_shown`: that it is better is more than chance.
        """
        best = max(range(len(done.versions)), key=lambda place: done.scores[place].macro_f1)
        version = done.versions[best]
        if any(alias.name == CHAMPION for alias in version.aliases.all()):
            return None
        others = ", ".join(
            f"{scores.macro_f1:.3f} of {each}"
            for each, scores in zip(done.versions, done.scores, strict=True)
            if each != version
        )
        reason = (
            f"macro-F1 {done.scores[best].macro_f1:.3f} against {others} "
            f"on {done.split} {done.subset} ({done.total} images)"
        )
        judged = [pair for pair in done.paired if version.pk in (pair.a, pair.b)]
        return {
            "version": version,
            "is_shown": all(pair.change("macro_f1").is_shown for pair in judged),
            "link": address(reverse("model", args=[version.pk]), reason=reason[:500]) + "#promote",
        }

    def _matrix(self, done: Comparison, place: int) -> dict[str, Any]:
        """Return the matrix of one version; its cells lead to the images with these labels of now."""
        version, workbench = done.versions[place], reverse("workbench")
        return {
            "version": version,
            "name": str(version),
            "matrix": shown_matrix(
                done.classes,
                done.scores[place].matrix,
                link=lambda actual, predicted: address(
                    workbench,
                    dataset=done.split.dataset.slug,
                    split=done.split,
                    subset=done.subset,
                    state=Image.State.LABELLED,
                    label=actual,
                    model=version,
                    predicted=predicted,
                ),
            ),
        }

    def _said(self, pair: Paired, images: list[int]) -> list[dict[str, Any]]:
        """Return the first of these images, each with what both versions said."""
        seen = Image.objects.visible_to(self.request.user).filter(pk__in=images[:MOST_IMAGES])
        said = {
            (each.version_id, each.image_id): each
            for each in Prediction.objects.visible_to(self.request.user)
            .filter(version__in=(pair.a, pair.b), image__in=images[:MOST_IMAGES])
            .defer("probabilities")
        }
        return [
            {"image": image, "a": said.get((pair.a, image.pk)), "b": said.get((pair.b, image.pk))}
            for image in seen.select_related("label", "paper").order_by("pk")
        ]


def _lacking(versions: list[ModelVersion], split: Split, subset: str) -> list[ModelVersion]:
    """Return the versions that have not classified what another has, or nothing."""
    truths = truths_of(split, subset, timezone.now(), classes=versions[0].classes)
    said = [predicted_by(version, truths) for version in versions]
    return [version for version, _ in behind(versions, said)]


def _score_table(done: Comparison) -> list[dict[str, Any]]:
    """Return a row a score: its name, and for each version the value, its interval, and its change."""
    rows: list[tuple[str, str, str]] = [
        ("Macro-F1", "macro_f1", ""),
        ("Balanced accuracy", "balanced_accuracy", ""),
        ("Accuracy", "accuracy", ""),
        *(("F1", "f1", name) for name in done.classes),
    ]
    return [
        {"name": name, "class": of_class, "values": _row(done, score, of_class)}
        for name, score, of_class in rows
    ]


def _row(done: Comparison, score: str, of_class: str) -> list[dict[str, Any]]:
    """Return one score of each version."""
    values = [_value(scores, score, of_class) for scores in done.scores]
    changes: list[Change | None] = [None, *(pair.change(score, of_class) for pair in done.paired)]
    there = [value for value in values if value is not None]
    return [
        {
            "name": str(version),
            "value": value,
            "place": "" if value is None else f"{100 * value:.1f}",
            "best": value is not None and value == max(there),
            "ends": (told["per_class"][of_class] if of_class else told).get(score),
            **(_shown(change) if change else {}),
        }
        for version, value, told, change in zip(done.versions, values, done.intervals, changes, strict=True)
    ]


def _value(scores: Scores, score: str, of_class: str) -> float | None:
    if of_class:
        return next(each.f1 for each in scores.per_class if each.name == of_class)
    value: float = getattr(scores, score)
    return value


def _shown(change: Change) -> dict[str, Any]:
    """Return a change, signed, with its interval; none where there is nothing to subtract."""
    if change.difference is None:
        return {}
    between = ""
    if change.low is not None and change.high is not None:
        between = f"{_signed(change.low, 2)} to {_signed(change.high, 2)}"
    return {
        "difference": _signed(change.difference, 3),
        "between": between,
        "rises": change.is_shown and change.difference > 0,
        "falls": change.is_shown and change.difference < 0,
    }


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
