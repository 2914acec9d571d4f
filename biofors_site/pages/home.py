"""Home: where things stand with a dataset, and the one next step."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from biofors_site.pages.review import open_queue_count
from classifier.models import Alias, Evaluation, ModelVersion, Promotion
from classifier.models.registry import CHAMPION
from datasets.admin.page import Page, address
from datasets.api.facets import count_up_to
from datasets.models import Dataset, LabelBatch, Split, Subset
from datasets.queries import class_counts, class_looks, state_counts
from training_jobs.models import (
    ExportJob,
    ImportJob,
    InferenceJob,
    Job,
    ModelImport,
    TrainingRun,
)

NEWS = 8
QUEUE = 6
_DEEDS: dict[str, str] = {
    LabelBatch.Kind.RELABEL: "relabelled",
    LabelBatch.Kind.ACCEPT: "accepted predictions of",
    LabelBatch.Kind.UNDO: "undid the relabelling of",
    LabelBatch.Kind.REDO: "redid the relabelling of",
    LabelBatch.Kind.IMPORT: "imported labels of",
}
_SAYS_WHY = (LabelBatch.Kind.RELABEL, LabelBatch.Kind.ACCEPT)


@dataclass(frozen=True)
class Step:
    """One of the five steps: how far it is, and where it is gone on with."""

    title: str
    told: str
    done: bool
    action: str
    link: str
    permission: str


@dataclass(frozen=True)
class News:
    """Something that happened."""

    at: datetime
    who: str
    what: str
    link: str


class HomePage(Page):
    """The dashboard of the dataset in use."""

    title = "Home"
    template_name = "biofors_site/home.html"
    permissions = ("datasets.view_dataset",)
    of_dataset = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add steps, counts, champion, queue and news."""
        dataset = self.dataset
        context = super().get_context_data(**kwargs)
        if dataset is None:
            return context
        counts = class_counts(dataset)
        states = state_counts(dataset)
        user = self.request.user
        champion = Alias.objects.visible_to(user).filter(name=CHAMPION).first()
        steps = _steps(dataset, states, champion, user)
        following = next((step for step in steps if not step.done and self.may(step.permission)), None)
        return {
            **context,
            "counts": counts,
            "largest": max((row["count"] for row in counts), default=0) or 1,
            "states": states,
            "papers": dataset.papers.count(),
            "steps": steps,
            "next_step": following,
            "champion": champion,
            "evaluation": _test_scores(champion.version, user) if champion else None,
            "promotion": Promotion.objects.visible_to(user)
            .filter(alias=CHAMPION)
            .select_related("author")
            .first(),
            "disagreements": address(
                reverse("workbench"), dataset=dataset.slug, model=CHAMPION, disagrees="true"
            ),
            "open_queues": open_queue_count(dataset, user),
            "queue": _queue(user),
            "news": _news(dataset, user),
            "looks": class_looks(dataset),
        }


def _steps(dataset: Dataset, states: dict[str, int], champion: Alias | None, user: Any) -> list[Step]:
    """Return the five steps in order."""
    splits = Split.objects.visible_to(user).filter(dataset=dataset).count()
    versions = ModelVersion.objects.visible_to(user).filter(split__dataset=dataset).count()
    running = TrainingRun.objects.visible_to(user).active().filter(split__dataset=dataset).count()
    of_dataset = {"dataset": dataset.slug}
    return [
        Step(
            "Import",
            f"{states['total']:,} images" if states["total"] else "No images yet",
            bool(states["total"]),
            "Import images",
            address(reverse("imports"), **of_dataset),
            "training_jobs.add_importjob",
        ),
        Step(
            "Label",
            f"{states['unlabelled']:,} without a label" if states["unlabelled"] else "All have a label",
            bool(states["labelled"]) and not states["unlabelled"],
            f"Label {states['unlabelled']:,} images",
            address(reverse("workbench"), state="unlabelled", **of_dataset),
            "datasets.add_label",
        ),
        Step(
            "Split",
            f"{splits:,} frozen" if splits else "None yet",
            bool(splits),
            "Make a split",
            address(reverse("new-split"), **of_dataset),
            "datasets.add_split",
        ),
        Step(
            "Train",
            f"{versions:,} model version{'' if versions == 1 else 's'}"
            if versions
            else f"{running} at work"
            if running
            else "No model yet",
            bool(versions),
            "Train a model",
            address(reverse("training" if running else "new-run"), **of_dataset),
            "training_jobs.add_trainingrun",
        ),
        Step(
            "Promote",
            f"{champion.version} answers" if champion else "Nobody answers yet",
            champion is not None,
            "Choose a champion",
            reverse("models"),
            "classifier.add_promotion",
        ),
    ]


def _test_scores(version: ModelVersion, user: Any) -> Evaluation | None:
    """Return the newest scores of a version on test of the split it was trained on, if there is one."""
    tests = Evaluation.objects.visible_to(user).filter(version=version, subset=Subset.TEST)
    if version.split is not None:
        tests = tests.filter(split=version.split)
    return tests.select_related("split__dataset").first()


def _queue(user: Any) -> list[dict[str, Any]]:
    """Return the jobs that wait or are at work, those at work first."""
    kinds: tuple[tuple[type[Job], str], ...] = (
        (TrainingRun, "run"),
        (InferenceJob, "inference-job"),
        (ImportJob, "import"),
        (ExportJob, "export-model"),
        (ModelImport, "model-import"),
    )
    jobs = [
        {"job": job, "link": reverse(route, args=[_address_of(job)]), "name": str(job)}
        for kind, route in kinds
        for job in kind._default_manager.visible_to(user).active().order_by("id")[:QUEUE]  # type: ignore[attr-defined]
    ]
    return sorted(jobs, key=lambda each: each["job"].state == Job.State.QUEUED)[:QUEUE]


def _address_of(job: Job) -> int:
    """Return the id that a job's page is found by."""
    return job.version_id if isinstance(job, ExportJob) else job.pk


def _news(dataset: Dataset, user: Any) -> list[News]:
    """Return what happened last to a dataset and its models, newest first."""
    found = [
        *_label_news(dataset, user),
        *_split_news(dataset, user),
        *_run_news(dataset, user),
        *_promotion_news(user),
    ]
    return sorted(found, key=lambda news: news.at, reverse=True)[:NEWS]


def _label_news(dataset: Dataset, user: Any) -> list[News]:
    """Return the last label batches, with how many images each concerned."""
    seen = LabelBatch.objects.visible_to(user).filter(dataset=dataset).of_labels()
    batches = seen.select_related("author")[:NEWS]
    return [
        News(
            batch.created_at,
            _who(batch.author),
            f"{_DEEDS[batch.kind]} {_size(batch)}"
            + (f": {batch.reason}" if batch.reason and batch.kind in _SAYS_WHY else ""),
            address(reverse("workbench"), dataset=dataset.slug),
        )
        for batch in batches
    ]


def _size(batch: LabelBatch) -> str:
    """Say how many images a batch labelled; of an import of very many, at least how many."""
    found = count_up_to(batch.labels.all())
    return f"{found.count:,}{'' if found.exact else '+'} image{'' if found.count == 1 else 's'}"


def _split_news(dataset: Dataset, user: Any) -> list[News]:
    splits = Split.objects.visible_to(user).filter(dataset=dataset).select_related("created_by")
    return [
        News(split.created_at, _who(split.created_by), f"froze the split {split.name}", _to("split", split))
        for split in splits[:NEWS]
    ]


def _run_news(dataset: Dataset, user: Any) -> list[News]:
    ended = TrainingRun.objects.visible_to(user).filter(split__dataset=dataset, finished_at__isnull=False)
    return [
        News(run.finished_at, _who(run.created_by), f"trained {run.name}: {run.state}", _to("run", run))
        for run in ended.select_related("created_by").order_by("-finished_at")[:NEWS]
    ]


def _promotion_news(user: Any) -> list[News]:
    moves = Promotion.objects.visible_to(user).select_related("author", "version")
    return [
        News(
            move.created_at,
            _who(move.author),
            f"{move.deed}: {move.reason}",
            _to("model", move.version),
        )
        for move in moves[:NEWS]
    ]


def _who(user: Any) -> str:
    return user.get_username() if user else "a command"


def _to(route: str, row: Any) -> str:
    return reverse(route, args=[row.pk])
