"""Does the grid stay quick? The same requests at 10,000 and at 1,000,000 images, side by side.

    python -m benchmarks.grid [--sizes 10000 1000000] [--repeat N] [--only NAME...]

For each size a database is filled: images of papers, panel groups of which some are mixed, labels of imports
and people, a split, and one model's predictions; no image files. Every request is then repeated, the sizes
taking turns, through the REST door as a curator, and its 95th percentile compared. SQLite in a temporary
data directory; with DATABASE_URL two databases beside the one it names, made anew and dropped at the end.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

GOAL = 2.0
DATASET = "bench"
REQUESTS: dict[str, dict[str, str]] = {
    "first page": {},
    "label": {"label": "FAC"},
    "label: rare": {"label": "Noneoftheabove"},
    "label: none": {"label": "none"},
    "state: labelled": {"state": "labelled"},
    "state: unlabelled": {"state": "unlabelled"},
    "state: excluded": {"state": "excluded"},
    "source": {"source": "person"},
    "source: rare": {"source": "prediction"},
    "paper": {"paper": "100"},
    "panel_group": {"paper": "100", "panel_group": "0101"},
    "figure": {"figure": "03"},
    "changed_by": {"changed_by": "person1"},
    "changed_since": {"changed_since": "2026-06-01"},
    "changed_since: last day": {"changed_since": "2026-12-30T12:00:00Z"},
    "changed_before": {"changed_before": "2026-01-02"},
    "mixed": {"mixed": "true"},
    "split": {"split": f"{DATASET}/papers"},
    "subset": {"split": f"{DATASET}/papers", "subset": "test"},
    "q: common": {"q": "0301"},
    "q: paper": {"q": "123"},
    "q: rare": {"q": "mosaic"},
    "q: nothing": {"q": "nosuchfile"},
    "q: all": {"q": "png"},
    "q: short": {"q": "03"},
    "q: short, rare": {"q": "os"},
    "q: short, nothing": {"q": "zz"},
    "q: label": {"q": "mosaic", "label": "FAC"},
    "q: nothing, by file": {"q": "nosuchfile", "ordering": "file"},
    "q: common, by confidence": {"q": "0301", "model": "grid@1", "ordering": "-confidence"},
    "q: common, label: rare": {"q": "0301", "label": "Noneoftheabove"},
    "model": {"model": "grid@1"},
    "predicted": {"model": "grid@1", "predicted": "FAC"},
    "predicted: rare": {"model": "grid@1", "predicted": "Noneoftheabove"},
    "predicted, sure first": {"model": "grid@1", "predicted": "FAC", "ordering": "-confidence"},
    "disagrees": {"model": "grid@1", "disagrees": "true"},
    "disagrees, sure first": {"model": "grid@1", "disagrees": "true", "ordering": "-confidence"},
    "disagrees: rare": {"model": "calm@1", "disagrees": "true"},
    "disagrees: rare, by margin": {"model": "calm@1", "disagrees": "true", "ordering": "margin"},
    "disagrees: rare, by file": {"model": "calm@1", "disagrees": "true", "ordering": "file"},
    "disagrees, label: rare": {"model": "grid@1", "disagrees": "true", "label": "Noneoftheabove"},
    "disagrees, predicted": {"model": "grid@1", "disagrees": "true", "predicted": "FAC"},
    "agrees": {"model": "grid@1", "disagrees": "false"},
    "min_confidence": {"model": "grid@1", "min_confidence": "0.9"},
    "max_confidence": {"model": "grid@1", "max_confidence": "0.3"},
    "confidence range": {"model": "grid@1", "min_confidence": "0.5", "max_confidence": "0.55"},
    "confidence, label": {"model": "grid@1", "label": "FAC", "ordering": "confidence"},
    **{
        f"by {order}": {"ordering": order, "model": "grid@1"}
        for order in ("-id", "file", "changed", "-changed", "confidence", "-confidence", "margin", "-entropy")
    },
}
# Lists that are also measured far behind their begin, at half of the images (at most page 10,000).
DEEP = (
    "first page",
    "label",
    "predicted",
    "by file",
    "by -changed",
    "by -confidence",
    "by margin",
    "disagrees",
)
FACETS: dict[str, dict[str, str]] = {
    "facets": {},
    "facets: label": {"label": "FAC"},
    "facets: figure": {"figure": "03"},
    "facets: changed_by": {"changed_by": "person1"},
    "facets: subset": {"split": f"{DATASET}/papers", "subset": "test"},
    "facets: model": {"model": "grid@1"},
    "facets: predicted": {"model": "grid@1", "predicted": "FAC"},
    "facets: disagrees": {"model": "grid@1", "disagrees": "true"},
    "facets: disagrees: rare": {"model": "calm@1", "disagrees": "true"},
    "facets: q": {"q": "0301"},
    "facets: q: paper": {"q": "123"},
    "facets: q: nothing": {"q": "nosuchfile"},
    "facets: q: all": {"q": "png"},
    "facets: q: short, nothing": {"q": "zz"},
}
PAGES: dict[str, dict[str, str]] = {
    "neighbours": {},
    "neighbours: label": {"label": "FAC"},
    "neighbours: by confidence": {"model": "grid@1", "ordering": "confidence"},
    "neighbours: disagrees": {"model": "grid@1", "disagrees": "true"},
}


class Bench:
    """One database of a size: filled, asked, and dropped."""

    def __init__(self, size: int, directory: Path) -> None:
        from django.db import connections

        self.size = size
        self.directory = directory
        settings = dict(connections["default"].settings_dict)
        self.on_file = settings["ENGINE"].endswith("sqlite3")
        if self.on_file:
            settings["NAME"] = str(directory / f"grid-{size}.sqlite3")
        else:
            settings["NAME"] = f"{settings['NAME']}_grid_{size}"
            with connections["default"].cursor() as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{settings["NAME"]}"')
                cursor.execute(f'CREATE DATABASE "{settings["NAME"]}"')
        self.name = settings["NAME"]
        self.connection = connections.create_connection("default")
        self.connection.settings_dict = settings

    def use(self) -> None:
        """Make this database the one that everything asks."""
        from django.db import connections

        connections["default"] = self.connection

    def prepare(self) -> None:
        """Fill the database and sign somebody in."""
        from django.contrib.auth import get_user_model
        from django.core.management import call_command
        from django.test import Client

        from benchmarks.grid_rows import fill

        self.use()
        call_command("migrate", verbosity=0)
        fill(self.connection, self.size, dataset=DATASET)
        self.client = Client()
        self.client.force_login(get_user_model().objects.get(username="bench"))
        self.cursors: dict[str, dict[str, str]] = {}

    def addresses(self) -> dict[str, str]:
        """Return what is asked, by name."""
        of_dataset = {"dataset": DATASET}
        found = {name: f"/api/v1/images/?{urlencode(of_dataset | given)}" for name, given in REQUESTS.items()}
        for name in DEEP:
            given = of_dataset | REQUESTS[name]
            found[f"{name}, deep"] = f"/api/v1/images/?{urlencode(given | {'cursor': self._cursor(given)})}"
        for name, given in FACETS.items():
            found[name] = f"/api/v1/images/facets/?{urlencode(of_dataset | given)}"
        middle = self._middle()
        for name, given in PAGES.items():
            found[name] = f"/images/{middle}/?{urlencode(of_dataset | given)}"
        found["workbench"] = f"/workbench/?{urlencode(of_dataset)}"
        found["home"] = f"/?{urlencode(of_dataset)}"
        found["datasets"] = "/api/v1/datasets/"
        return found

    def _middle(self) -> int:
        from datasets.models import Image

        return int(Image.objects.filter(label__name="FAC", pk__gt=self.size // 2).order_by("pk")[0].pk)

    def _cursor(self, given: dict[str, str]) -> str:
        """Return the cursor behind half of a list's images, at most page 10,000."""
        from biofors_site.api.filters import WideImageFilter
        from biofors_site.api.views import in_order
        from datasets.api.keyset import _write_cursor
        from datasets.models import Image

        images, fields = in_order(WideImageFilter(given, queryset=Image.objects.all()))
        behind = min(images.count() // 2, 9_999 * 50)
        row = images.order_by(*(name.partition("=")[0] for name in fields))[behind]
        return str(_write_cursor([row], fields, backwards=False))

    def ask(self, address: str) -> float:
        """Return how long an answer takes, in milliseconds."""
        self.use()
        started = time.perf_counter()
        response = self.client.get(address)
        taken = 1000 * (time.perf_counter() - started)
        if response.status_code != 200:
            raise SystemExit(f"{address}: {response.status_code} {response.content[:300]!r}")
        return taken

    def drop(self) -> None:
        """Leave nothing behind."""
        from django.db import connections

        self.connection.close()
        if not self.on_file:
            connections["default"] = other = connections.create_connection("default")
            with other.cursor() as cursor:
                cursor.execute(f'DROP DATABASE "{self.name}"')


def measure(benches: list[Bench], *, repeat: int, only: list[str]) -> list[dict[str, Any]]:
    """Ask everything of every size in turn; return the 95th percentiles and their ratio by request."""
    asked: list[dict[str, str]] = []
    for bench in benches:
        bench.use()
        asked.append(bench.addresses())
    rows = []
    for name in asked[0]:
        if only and not any(part in name for part in only):
            continue
        taken: list[list[float]] = [[] for _ in benches]
        for turn in range(repeat + 2):
            for place, bench in enumerate(benches):
                one = bench.ask(asked[place][name])
                if turn > 1:
                    taken[place].append(one)
        p95 = [float(np.percentile(each, 95)) for each in taken]
        median = [float(np.median(each)) for each in taken]
        rows.append({"name": name, "p95": p95, "median": median, "ratio": p95[-1] / p95[0]})
        figures = "".join(f"{value:9.1f}" for value in (*median, *p95))
        print(
            f"{name:28}{figures}{rows[-1]['ratio']:8.2f}{'' if rows[-1]['ratio'] <= GOAL else '  slow'}",
            flush=True,
        )
    return rows


def main() -> None:
    """Measure; print a table and, last, one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs=2, default=[10_000, 1_000_000])
    parser.add_argument("--repeat", type=int, default=30)
    parser.add_argument("--only", nargs="+", default=[], help="requests with one of these in their name")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="biofors-benchmark-") as temporary:
        os.environ["BIOFORS_DATA_DIR"] = temporary
        os.environ["DJANGO_SETTINGS_MODULE"] = "biofors_site.settings"
        import django

        django.setup()
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver"]
        benches = [Bench(size, Path(temporary)) for size in options.sizes]
        try:
            for bench in benches:
                bench.prepare()
            print(f"{'':28}{'median ms':>18}{'p95 ms':>18}{'ratio':>8}")
            print(f"{'images':28}" + "".join(f"{size:9}" for size in (*options.sizes, *options.sizes)))
            rows = measure(benches, repeat=options.repeat, only=options.only)
        finally:
            for bench in benches:
                bench.drop()
    worst = max(rows, key=lambda row: float(row["ratio"]))
    print(
        json.dumps(
            {
                "name": "grid",
                "database": benches[0].connection.vendor,
                "requests": len(rows),
                "slow": {row["name"]: round(row["ratio"], 2) for row in rows if row["ratio"] > GOAL},
                "worst": worst["name"],
                "ratio": round(worst["ratio"], 2),
                "goal": f"p95 at {options.sizes[1]:,} images at most {GOAL:g} times that at the other size",
                "holds": worst["ratio"] <= GOAL,
            }
        )
    )


if __name__ == "__main__":
    main()
