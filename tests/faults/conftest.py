"""Installations to break: embedded, and with a Redis and a PostgreSQL of the test's own."""

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.factories import png
from tests.faults.installation import Installation
from tests.faults.servers import Postgres, Redis

IMAGES = 80


@dataclass(frozen=True)
class Prepared:
    """A data directory with a split, to be copied for each test."""

    data_dir: Path
    postgres: Postgres | None = None


def prepare(folder: Path, **extra: str) -> Path:
    """Make an installation with a split `s` of drawn noise; return its data directory."""
    made = Installation(folder / "data", extra)
    for number in range(IMAGES):
        image = folder / "panels" / ("BlotGel" if number % 2 else "Microscopy") / f"{number}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(png(number))
    made.manage("bootstrap")
    made.manage("import_folder", str(folder / "panels"), "--dataset", "panels")
    made.manage("make_split", "panels", "--name", "s", "--by", "image")
    return made.data_dir


@pytest.fixture(scope="session")
def prepared_embedded(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """On SQLite and the queue of files."""
    return Prepared(prepare(tmp_path_factory.mktemp("embedded")))


@pytest.fixture(scope="session")
def prepared_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """On a PostgreSQL that is started here."""
    postgres = Postgres()
    try:
        postgres.start()
        postgres.make_database("prepared")
        folder = tmp_path_factory.mktemp("servers")
        data_dir = prepare(folder, DATABASE_URL=postgres.url("prepared"), CELERY_BROKER_URL="memory://")
        yield Prepared(data_dir, postgres)
    finally:
        postgres.end()


@pytest.fixture
def redis() -> Iterator[Redis]:
    """A Redis of this test alone."""
    server = Redis()
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def embedded(prepared_embedded: Prepared, tmp_path: Path) -> Iterator[Installation]:
    """An installation on SQLite and the queue of files."""
    data_dir = tmp_path / "installed"
    shutil.copytree(prepared_embedded.data_dir, data_dir)
    made = Installation(data_dir, {})
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
def servers(prepared_servers: Prepared, redis: Redis, tmp_path: Path) -> Iterator[Installation]:
    """An installation on PostgreSQL and Redis."""
    data_dir = tmp_path / "installed"
    shutil.copytree(prepared_servers.data_dir, data_dir)
    postgres = prepared_servers.postgres
    assert postgres is not None
    database = f"test_{uuid.uuid4().hex}"
    postgres.make_database(database, like="prepared")
    made = Installation(data_dir, {"DATABASE_URL": postgres.url(database), "CELERY_BROKER_URL": redis.url})
    try:
        yield made
    finally:
        made.end()
        postgres.drop_database(database)


@pytest.fixture(params=["embedded", "servers"])
def installation(request: pytest.FixtureRequest) -> Installation:
    """An installation, once embedded and once on servers."""
    made: Installation = request.getfixturevalue(request.param)
    return made
