"""Rows for `benchmarks.grid`: a dataset of any size, written straight into the tables."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

CHUNK = 30_000
PER_PAPER = 30
PEOPLE = 5
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
# Of images: without a label, excluded; of labels: given by a person, accepted from a prediction.
UNLABELLED, EXCLUDED, BY_PERSON, ACCEPTED = 0.1, 0.02, 0.18, 0.01
# Of images: in a group with a stranger; of predictions: other than the label, quite sure.
STRANGERS, WRONG, SURE = 0.01, 0.1, 0.05
SHARES = (0.4, 0.3, 0.15, 0.13, 0.02)
# In a dataset of any size: images of an odd name, which a second version takes for another class.
ODD = 5

Row = tuple[Any, ...]


def fill(connection: Any, size: int, *, dataset: str) -> None:
    """Write `size` images with labels, a split and one version's predictions, and the user `bench`."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group

    from biofors_site.roles import ensure_roles
    from classifier.models import ModelVersion
    from datasets.models import Dataset, LabelBatch, Split

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # Nothing of a benchmark has to survive a power cut.
            cursor.execute("PRAGMA synchronous=OFF")
            cursor.execute("PRAGMA cache_size=-500000")
    ensure_roles()
    users = get_user_model().objects
    users.create(username="bench", is_staff=True).groups.add(Group.objects.get(name="curator"))
    people = [users.create(username=f"person{place}").pk for place in range(PEOPLE)]
    made = Dataset.objects.create_with_classes(dataset)
    classes = list(made.classes.values_list("pk", "name"))
    versions = [
        ModelVersion.objects.create(
            name=name,
            version=1,
            architecture="cnn",
            classes=[each for _, each in classes],
            config={},
            input_size=8,
            geometry="letterbox",
            directory=f"models/{name}/1",
            keras_sha256="0" * 64,
            onnx_sha256="1" * 64,
            parity=0.0,
        ).pk
        for name in ("grid", "calm")
    ]
    batch = LabelBatch.objects.create(dataset=made, kind=LabelBatch.Kind.IMPORT)
    split = Split.objects.create(
        dataset=made,
        name="papers",
        ratios=[0.65, 0.15, 0.2],
        label_cutoff=YEAR,
        counts={"classes": {}, "papers": {}, "images": {}},
        leak_report={"papers": 0, "panel_groups": 0, "exact_bytes": 0},
    )
    ids = {"dataset": made.pk, "versions": versions, "batch": batch.pk, "split": split.pk}
    papers = ((number + 1, made.pk, str(number)) for number in range(size // PER_PAPER + 1))
    write(connection, "datasets_paper", ("id", "dataset_id", "identifier"), papers)
    for start in range(0, size, CHUNK):
        images = Images(start, min(start + CHUNK, size), size=size, classes=classes, people=people, **ids)
        for table, (columns, rows) in images.tables().items():
            write(connection, table, columns, rows)
    if connection.vendor == "sqlite":
        # A new connection, set up as in an installation.
        connection.close()
    else:
        with connection.cursor() as cursor:
            for table in (
                "datasets_image",
                "datasets_label",
                "classifier_prediction",
                "datasets_splitmember",
            ):
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                )
            # What its own housekeeping does in an installation.
            cursor.execute("VACUUM ANALYZE")


def write(connection: Any, table: str, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    """Write rows into a table as the database takes them quickest."""
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["?"] * len(columns))
        plain = ([_plain(value) for value in row] for row in rows)
        cursor.connection.execute("BEGIN")
        cursor.connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", plain)
        cursor.connection.execute("COMMIT")


def _plain(value: Any) -> Any:
    """As Django writes a moment into SQLite."""
    return str(value.replace(tzinfo=None)) if isinstance(value, datetime) else value


class Images:
    """The images from `start` (counted from 0) to before `stop`, and all rows that speak of them."""

    def __init__(
        self,
        start: int,
        stop: int,
        *,
        size: int,
        classes: list[tuple[int, str]],
        people: list[int],
        dataset: int,
        versions: list[int],
        batch: int,
        split: int,
    ) -> None:
        rng = np.random.default_rng(start)
        count = stop - start
        self.classes, self.dataset, self.versions, self.batch, self.split = (
            classes,
            dataset,
            versions,
            batch,
            split,
        )
        self.places, self.size = range(start, stop), size
        # Three images to a group; now and then one of them is of another class.
        groups = np.arange(start, stop) // 3
        of_group = np.random.default_rng(7).permutation(1000)
        drawn = np.searchsorted(np.cumsum(SHARES), (of_group[groups % 1000] + 0.5) / 1000)
        stranger = rng.random(count) < STRANGERS
        self.kinds = np.where(stranger, (drawn + 1) % len(SHARES), drawn)
        self.labelled = rng.random(count) >= UNLABELLED
        self.excluded = rng.random(count) < EXCLUDED
        chance = rng.random(count)
        self.sources = np.where(
            chance < ACCEPTED, "prediction", np.where(chance < ACCEPTED + BY_PERSON, "person", "imported")
        )
        self.people = [people[place] for place in rng.integers(0, len(people), count)]
        # Imports follow each other through the year; people come back at any time.
        imported = np.arange(start, stop) / size
        self.days = 365 * np.where(self.sources == "imported", imported, rng.random(count))
        first = stranger // 1
        near = np.add.reduceat(first, np.arange(0, count, 3))
        self.mixed = np.repeat(near > 0, 3)[:count]
        self.odd = np.arange(start, stop) % (size // ODD) == 7
        said = np.where(rng.random(count) < WRONG, rng.integers(0, len(SHARES), count), self.kinds)
        self.said = (said, np.where(self.odd, (self.kinds + 1) % len(SHARES), self.kinds))
        self.labelled |= self.odd
        self.confidences = np.where(
            rng.random(count) < SURE, 1.0, np.round(rng.beta(5, 1, count) * 0.79 + 0.2, 7)
        )

    def tables(self) -> dict[str, tuple[tuple[str, ...], Iterator[Row]]]:
        """Return columns and rows by table, in an order that foreign keys allow."""
        image = (
            "id dataset_id paper_id file_name figure panel_group sha256 byte_size width height format notes "
            "label_id excluded version label_source labelled_by_id labelled_at mixed created_at"
        )
        label = (
            "id image_id version label_class_id excluded source author_id origin batch_id reason created_at"
        )
        prediction = "id version_id image_id predicted confidence probabilities margin entropy created_at"
        return {
            "datasets_image": (tuple(image.split()), self._images()),
            "datasets_label": (tuple(label.split()), self._labels()),
            "datasets_splitmember": (("id", "split_id", "image_id", "subset"), self._members()),
            "classifier_prediction": (tuple(prediction.split()), self._predictions()),
        }

    def _images(self) -> Iterator[Row]:
        for at, place in enumerate(self.places):
            within = place % PER_PAPER
            figure, panel, part = within // 9 + 1, within // 3 % 3 + 1, within % 3 + 1
            said = self._said(at)
            yield (
                place + 1,
                self.dataset,
                place // PER_PAPER + 1,
                "mosaic.jpeg" if self.odd[at] else f"{figure:02}{panel:02}{part:02}.png",
                f"{figure:02}",
                f"{figure:02}{panel:02}",
                f"{place:064x}",
                1000,
                100,
                100,
                "PNG",
                "[]",
                *(said[:1] or (None,)),
                bool(self.excluded[at]),
                1 if said else 0,
                *(said[1:] or ("", None, None)),
                bool(self.mixed[at]),
                YEAR + timedelta(days=365 * place / 1_000_000),
            )

    def _said(self, at: int) -> Row:
        """Class, source, author and time of an image's label; empty where it has none."""
        if not self.labelled[at]:
            return ()
        source = str(self.sources[at])
        author = None if source == "imported" else self.people[at]
        moment = YEAR + timedelta(days=float(self.days[at]))
        return (self.classes[int(self.kinds[at])][0], source, author, moment)

    def _labels(self) -> Iterator[Row]:
        for at, place in enumerate(self.places):
            if said := self._said(at):
                kind, source, author, moment = said
                excluded = bool(self.excluded[at])
                yield (place + 1, place + 1, 1, kind, excluded, source, author, "", self.batch, "", moment)

    def _members(self) -> Iterator[Row]:
        for place in self.places:
            share = place // PER_PAPER % 20
            subset = "train" if share < 13 else "val" if share < 16 else "test"
            yield (place + 1, self.split, place + 1, subset)

    def _predictions(self) -> Iterator[Row]:
        from classifier.models.prediction import entropy, margin

        for which, version in enumerate(self.versions):
            for at, place in enumerate(self.places):
                kind, sure = int(self.said[which][at]), float(self.confidences[at])
                shares = [round((1 - sure) / (len(self.classes) - 1), 7)] * len(self.classes)
                shares[kind] = sure
                name = self.classes[kind][1]
                text = json.dumps(shares)
                yield (
                    which * self.size + place + 1,
                    version,
                    place + 1,
                    name,
                    sure,
                    text,
                    margin(shares),
                    entropy(shares),
                    YEAR,
                )
