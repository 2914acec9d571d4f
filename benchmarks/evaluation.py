"""How long pages of scores take over 20,000 answers, against a plain Django page with scikit-learn.

    python -m benchmarks.evaluation [--size N] [--rounds N] [--repeat N]

A test subset of 400 papers, labels with their history, three versions that have answered all of it; no image
files. Pages, REST and scoring again are asked for as a curator, through Django's test client. The baseline is
what one writes without this product: each version's predictions with image, label and paper, row by row from
the ORM; `confusion_matrix`, `classification_report` and the curves of scikit-learn; and the spread of
macro-F1 by a loop over papers drawn again, with 20 replicates where the product draws 2,000 and more (a loop
of 2,000 takes minutes). It draws no HTML, tests no difference, and counts no changed label. Both take turns.
Beside the time that a person waits stands that of the processor, which other work on the machine swells less.
SQLite in a temporary directory; with DATABASE_URL a database beside the one it names, made anew and dropped
at the end.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.grid import Bench

GOAL = 1000.0
TRAINING = 10_000
REPLICATES = 20

Ask = Callable[[], float]


class Site(Bench):
    """A database with a large test subset, asked as a curator."""

    def prepare(self) -> None:
        """Fill the database and sign somebody in."""
        from django.contrib.auth import get_user_model
        from django.core.management import call_command
        from django.test import Client

        from benchmarks.evaluation_rows import fill

        self.use()
        call_command("migrate", verbosity=0)
        self.made = fill(self.size, training=TRAINING)
        with self.connection.cursor() as cursor:
            # What housekeeping does in an installation.
            cursor.execute("ANALYZE")
        self.connection.close()
        self.client = Client()
        self.client.force_login(get_user_model().objects.get(username="bench"))

    def requests(self) -> dict[str, tuple[Ask, str]]:
        """Return how each thing is asked for, with the baseline that does the like of it."""
        version, evaluation = self.made["versions"][0].pk, self.made["evaluations"][0].pk
        models = ",".join(str(each.pk) for each in self.made["versions"])
        errors = f"/models/{version}/errors/"
        compared = f"models={models}&split={self.made['split'].pk}"
        return {
            "model's page": (lambda: self.ask(f"/models/{version}/"), "scores"),
            "errors, first time": (lambda: self._afresh(errors), "curves"),
            "errors, again": (lambda: self.ask(errors), "curves"),
            "compare, page": (lambda: self.ask(f"/compare/?{compared}"), "compare"),
            "compare, REST": (lambda: self.ask(f"/api/v1/compare/?{compared}"), "compare"),
            "score again": (lambda: self._rescore(evaluation), "scores"),
        }

    def baselines(self) -> dict[str, Callable[[int], None]]:
        """Return what a plain page would reckon, each a function of the replicates it draws."""
        versions, split = self.made["versions"], self.made["split"]
        return {
            "scores": lambda replicates: plain_scores(versions[0], split, replicates=replicates),
            "curves": lambda replicates: plain_curves(versions[0], split, replicates=replicates),
            "compare": lambda replicates: (
                [plain_scores(version, split, replicates=replicates) for version in versions] and None
            ),
        }

    def _afresh(self, address: str) -> float:
        from django.core.cache import cache

        cache.clear()
        return self.ask(address)

    def _rescore(self, evaluation: int) -> float:
        """Score again; the evaluation made is taken away, so that the next time is like the first."""
        from classifier.models import Evaluation

        self.use()
        started = time.perf_counter()
        response = self.client.post(f"/api/v1/evaluations/{evaluation}/rescore/")
        taken = 1000 * (time.perf_counter() - started)
        if response.status_code != 201:
            raise SystemExit(f"score again: {response.status_code} {response.content[:300]!r}")
        Evaluation.objects.filter(pk=response.json()["id"]).delete()
        return taken


def plain_scores(version: Any, split: Any, *, replicates: int) -> Any:
    """Reckon matrix, report and spread row by row; return the predictions."""
    from sklearn.metrics import classification_report, confusion_matrix, f1_score

    from classifier.models import Prediction

    rows = list(
        Prediction.objects.filter(
            version=version, image__memberships__split=split, image__memberships__subset="test"
        ).select_related("image__label", "image__paper")
    )
    actual = [row.image.label.name for row in rows]
    said = [row.predicted for row in rows]
    confusion_matrix(actual, said, labels=version.classes)
    classification_report(actual, said, labels=version.classes, output_dict=True, zero_division=0)
    by_paper = defaultdict(list)
    for place, row in enumerate(rows):
        by_paper[row.image.paper.identifier].append(place)
    papers, rng = list(by_paper), np.random.default_rng(0)
    spread = []
    for _ in range(replicates):
        drawn = [place for paper in rng.choice(papers, len(papers)) for place in by_paper[paper]]
        spread.append(
            f1_score([actual[place] for place in drawn], [said[place] for place in drawn], average="macro")
        )
    if spread:
        np.percentile(spread, [2.5, 97.5])
    return rows


def plain_curves(version: Any, split: Any, *, replicates: int) -> None:
    """Reckon scores, and curves of each class with their areas."""
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

    rows = plain_scores(version, split, replicates=replicates)
    for place, name in enumerate(version.classes):
        is_class = [row.image.label.name == name for row in rows]
        probability = [row.probabilities[place] for row in rows]
        for reckon in (roc_curve, precision_recall_curve, roc_auc_score, average_precision_score):
            reckon(is_class, probability)


def measure(site: Site, *, rounds: int, repeat: int) -> list[dict[str, Any]]:
    """Let requests and baselines take turns; return times in milliseconds by request."""
    requests, baselines = site.requests(), site.baselines()
    taken: dict[str, list[float]] = {name: [] for name in requests}
    busy: dict[str, list[float]] = {name: [] for name in requests}
    plain: dict[tuple[str, int], list[float]] = {
        (name, replicates): [] for name in baselines for replicates in (0, REPLICATES)
    }
    for ask, _ in requests.values():
        ask()
    # What is imported at first use counts for neither.
    baselines["curves"](1)
    for _ in range(rounds):
        for name, replicates in plain:
            started = time.perf_counter()
            baselines[name](replicates)
            plain[name, replicates].append(1000 * (time.perf_counter() - started))
        for name, (ask, _) in requests.items():
            for _ in range(repeat):
                started = time.process_time()
                taken[name].append(ask())
                busy[name].append(1000 * (time.process_time() - started))
    return [
        {
            "name": name,
            "median": statistics.median(taken[name]),
            "p95": float(np.percentile(taken[name], 95)),
            "p95_of_processor": float(np.percentile(busy[name], 95)),
            "plain": statistics.median(plain[like, 0]),
            "plain_spread": statistics.median(plain[like, REPLICATES]),
        }
        for name, (_, like) in requests.items()
    ]


def main() -> None:
    """Measure; print a table and, last, one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=4, help="how often each is asked for in a round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="biofors-benchmark-") as temporary:
        os.environ["BIOFORS_DATA_DIR"] = temporary
        os.environ["DJANGO_SETTINGS_MODULE"] = "biofors_site.settings"
        import django

        django.setup()
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver"]
        site = Site(options.size, Path(temporary))
        vendor = site.connection.vendor
        try:
            site.prepare()
            rows = measure(site, rounds=options.rounds, repeat=options.repeat)
        finally:
            site.drop()
    tell(rows, vendor=vendor, size=options.size)


def tell(rows: list[dict[str, Any]], *, vendor: str, size: int) -> None:
    """Print a table and, last, one JSON object."""
    print(f"{size:,} answers a version, {vendor}; ms; plain: without and with {REPLICATES} replicates")
    print(f"{'':20}{'median':>9}{'p95':>9}{'cpu p95':>9}{'plain':>9}{'':>9}{'ratio':>9}")
    for row in rows:
        row["ratio"] = row["plain"] / row["median"]
        row["spread_ratio"] = row["plain_spread"] / row["median"]
        print(
            f"{row['name']:20}{row['median']:9.0f}{row['p95']:9.0f}{row['p95_of_processor']:9.0f}"
            f"{row['plain']:9.0f}{row['plain_spread']:9.0f}{row['ratio']:9.2f}{row['spread_ratio']:9.1f}"
            f"{'' if row['p95'] <= GOAL else '  slow'}"
        )
    print(
        json.dumps(
            {
                "name": "evaluation",
                "database": vendor,
                "figures": {row["name"]: round(row["p95"]) for row in rows},
                "figures_of_processor": {row["name"]: round(row["p95_of_processor"]) for row in rows},
                "ratios": {row["name"]: round(row["spread_ratio"], 1) for row in rows},
                "ratio_without_replicates": round(min(row["ratio"] for row in rows), 2),
                "ratio": round(min(row["spread_ratio"] for row in rows), 1),
                "goal": f"p95 at most {GOAL:g} ms for {size:,} predictions of three versions",
                "holds": all(row["p95"] <= GOAL for row in rows),
            }
        )
    )


if __name__ == "__main__":
    main()
