"""The sidebar, in the order of the work; the dataset in use stays between pages."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from datasets.admin.in_use import dataset_in_use
from datasets.admin.page import address
from datasets.errors import Refused
from datasets.models import Dataset


@dataclass(frozen=True)
class Item:
    """An entry of the sidebar: lit on the routes `lights` and `tabs`, shown to those with the permission.

    `of_dataset`: the page and its tabs are of the dataset in use.
    """

    title: str
    icon: str
    route: str
    permission: str
    lights: tuple[str, ...] = ()
    of_dataset: bool = False
    tabs: tuple[str, ...] = ()


SIDEBAR: tuple[tuple[str, tuple[Item, ...]], ...] = (
    ("", (Item("Home", "home", "home", "datasets.view_dataset", of_dataset=True),)),
    (
        "Curate",
        (
            Item(
                "Workbench",
                "grid_view",
                "workbench",
                "datasets.view_image",
                lights=("image",),
                of_dataset=True,
            ),
            Item("Review", "fact_check", "review", "datasets.view_queue", of_dataset=True),
        ),
    ),
    (
        "Data",
        (
            Item(
                "Datasets",
                "database",
                "admin:datasets_dataset_changelist",
                "datasets.view_dataset",
                lights=("dataset",),
            ),
            Item(
                "Imports", "upload", "imports", "training_jobs.view_importjob", ("import",), of_dataset=True
            ),
            Item(
                "Splits",
                "call_split",
                "splits",
                "datasets.view_split",
                ("split", "new-split"),
                of_dataset=True,
            ),
        ),
    ),
    (
        "Models",
        (
            Item(
                "Training",
                "model_training",
                "training",
                "training_jobs.view_trainingrun",
                ("run", "new-run", "sweep", "new-sweep"),
                of_dataset=True,
                tabs=("compare-runs", "sweeps"),
            ),
            Item(
                "Models",
                "deployed_code",
                "models",
                "classifier.view_modelversion",
                (
                    "model",
                    "model-errors",
                    "model-calibration",
                    "gates",
                    "card",
                    "describe",
                    "alias",
                    "delete-model",
                    "export-model",
                    "import-model-page",
                    "model-import",
                ),
            ),
            Item("Compare", "compare", "compare", "classifier.view_evaluation"),
            Item(
                "Classify",
                "image_search",
                "classify",
                "classifier.view_modelversion",
                ("inference", "inference-job"),
            ),
        ),
    ),
    (
        "System",
        (
            Item("Users", "person", "admin:auth_user_changelist", "auth.view_user"),
            Item("Tokens", "key", "admin:authtoken_tokenproxy_changelist", "authtoken.view_tokenproxy"),
            Item("API", "api", "api-docs", "datasets.view_dataset"),
        ),
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar as the theme wants them; links carry the dataset in use."""
    dataset = _dataset(request)
    return [
        {
            "title": title,
            "items": [
                {
                    "title": item.title,
                    "icon": item.icon,
                    "link": address(
                        reverse(item.route), dataset=dataset.slug if dataset and item.of_dataset else None
                    ),
                    "active": _is_lit(item, request),
                    "permission": lambda request, needed=item.permission: request.user.has_perm(needed),
                }
                for item in items
            ],
        }
        for title, items in SIDEBAR
    ]


def frame_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the frame of every page shows: the datasets to choose from, and the one in use."""
    if not request.user.is_authenticated:
        return {}
    return {
        "frame_dataset": _dataset(request),
        "frame_datasets": list(Dataset.objects.visible_to(request.user).values_list("slug", "name")),
        # Choosing another dataset stays on a page of one, and goes home from a page of one thing.
        "frame_action": request.path if _is_of_dataset(request) else reverse("home"),
    }


def _dataset(request: HttpRequest) -> Dataset | None:
    try:
        return dataset_in_use(request)
    except Refused:
        return None


def _route(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""


def _is_lit(item: Item, request: HttpRequest) -> bool:
    route = _route(request)
    # The admin's pages of one row light the entry of their list.
    of_list = item.route.removesuffix("changelist") if item.route.startswith("admin:") else None
    return route in (item.route, *item.lights, *item.tabs) or bool(of_list and route.startswith(of_list))


def _is_of_dataset(request: HttpRequest) -> bool:
    route = _route(request)
    return any(
        route in (item.route, *item.tabs) and item.of_dataset for _, items in SIDEBAR for item in items
    )
