"""The shape of the house: who may import whom, and what a web process never loads."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("biofors_site", "training_jobs", "classifier", "datasets")
LONGEST_FILE = 400
NETWORKS_MAY_IMPORT = ("classifier.networks", "classifier.geometry", "classifier.metrics")
OPENS_IMAGES = {
    "PIL.Image.open",
    "PIL.ImageFile.Parser",
    "cv2.imread",
    "cv2.imdecode",
    "matplotlib.pyplot.imread",
    "matplotlib.image.imread",
    "keras.utils.load_img",
    "keras.preprocessing.image.load_img",
    "tensorflow.io.decode_image",
}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "services", "misc"}

LOADS_THE_SITE = """
import json, pkgutil, sys
from importlib import import_module
import biofors_site.wsgi
from django.urls import URLResolver, get_resolver
def visit(patterns):
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            visit(pattern.url_patterns)
visit(get_resolver().url_patterns)
for room in ("biofors_site", "training_jobs", "classifier", "datasets"):
    commands = import_module(room + ".management.commands")
    for found in pkgutil.iter_modules(commands.__path__):
        import_module(commands.__name__ + "." + found.name)
print(json.dumps(sorted(sys.modules)))
"""


def python_files(*folders: str) -> list[Path]:
    """All Python files under these folders, migrations left out."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "migrations" not in path.parts]


def loaded_by(code: str) -> set[str]:
    """The names of the modules that a fresh Python holds after running the code."""
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stdout.splitlines()[-1]))


def imported_names(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Each import of a file as (name it is bound to, full name)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname or alias.name.partition(".")[0], alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield (alias.asname or alias.name, f"{node.module}.{alias.name}")


def calls(tree: ast.AST) -> Iterator[str]:
    """The full name of each call of a file, its imports resolved."""
    bound = {
        name: full if "." not in full or not full.startswith(f"{name}.") else name
        for name, full in imported_names(tree)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first, _, rest = ast.unparse(node.func).partition(".")
            full = bound.get(first, first)
            yield f"{full}.{rest}" if rest else full


def test_imports_run_one_way() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 broken" in ended.stdout


def test_a_web_process_and_the_commands_load_nothing_large() -> None:
    loaded = loaded_by(LOADS_THE_SITE)
    assert {"biofors_site.wsgi", "biofors_site.urls", "classifier.models"} <= loaded
    assert loaded.isdisjoint(
        {"tensorflow", "keras", "tf2onnx", "torch", "sklearn", "scipy", "matplotlib", "mlflow"}
    )


@pytest.mark.parametrize(
    "module", ["classifier.geometry", "classifier.metrics", "classifier.networks.config"]
)
def test_what_networks_share_with_the_rest_loads_neither_django_nor_tensorflow(module: str) -> None:
    loaded = loaded_by(f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))")
    assert module in loaded
    assert loaded.isdisjoint({"django", "tensorflow", "keras", "celery"})


def test_networks_import_nothing_of_the_house_but_geometry_and_metrics() -> None:
    files = python_files("classifier/networks")
    assert files
    strangers = [
        f"{path.relative_to(ROOT)}: {full}"
        for path in files
        for _, full in imported_names(ast.parse(path.read_text()))
        if full.partition(".")[0] in (*ROOMS, "django", "rest_framework", "celery")
        and not any(f"{full}.".startswith(f"{allowed}.") for allowed in NETWORKS_MAY_IMPORT)
    ]
    assert strangers == []


def test_only_the_networks_import_keras() -> None:
    strangers = [
        f"{path.relative_to(ROOT)}: {full}"
        for path in python_files(*ROOMS)
        if not path.is_relative_to(ROOT / "classifier/networks")
        for _, full in imported_names(ast.parse(path.read_text()))
        if full.partition(".")[0] in {"keras", "tensorflow", "tf2onnx"}
    ]
    assert strangers == []


def test_image_bytes_are_opened_in_one_place() -> None:
    openers = {
        str(path.relative_to(ROOT))
        for path in python_files(*ROOMS)
        if OPENS_IMAGES.intersection(calls(ast.parse(path.read_text())))
    }
    assert openers == {"datasets/decoding.py"}


@pytest.mark.parametrize(
    "code",
    [
        "from PIL import Image\nImage.open(x)",
        "import PIL.Image\nPIL.Image.open(x)",
        "from PIL.Image import open\nopen(x)",
        "from PIL import Image as Picture\nPicture.open(x)",
        "import PIL.Image as Picture\nPicture.open(x)",
    ],
)
def test_every_way_to_open_an_image_is_recognised(code: str) -> None:
    assert "PIL.Image.open" in set(calls(ast.parse(code)))


def test_no_file_is_too_long_to_read() -> None:
    files = [
        *python_files(*ROOMS, "tests", "benchmarks"),
        *(path for folder in ("static", "templates") for path in (ROOT / folder).rglob("*.*")),
    ]
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in files
        if path.suffix in {".py", ".js", ".css", ".html"} and ".min." not in path.name
    }
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_modules_are_named_for_their_subject() -> None:
    assert [str(path) for path in python_files(*ROOMS) if VAGUE_NAMES & {path.stem, path.parent.name}] == []


def test_no_business_runs_by_signals() -> None:
    users = [
        str(path.relative_to(ROOT))
        for path in python_files(*ROOMS)
        if any("models.signals" in full for _, full in imported_names(ast.parse(path.read_text())))
    ]
    assert users == []


def test_migrations_are_named() -> None:
    names = [path.stem for room in ROOMS for path in (ROOT / room).glob("migrations/0*.py")]
    assert names
    assert [name for name in names if "_auto_" in name] == []


@pytest.mark.parametrize(
    "model",
    [model for room in ROOMS[1:] for model in apps.get_app_config(room).get_models()],
    ids=lambda model: model.__name__,
)
def test_every_model_says_what_it_is(model: type[models.Model]) -> None:
    # Django writes "Name(field, field)" where there is no docstring.
    assert not (model.__doc__ or "").startswith(f"{model.__name__}(")
    assert model.__str__ is not models.Model.__str__
