"""The examples of docs/clients.md and of the API's description, run against a live server."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import jsonschema
import pytest
from django.contrib.auth.models import User
from drf_spectacular.generators import SchemaGenerator
from rest_framework.authtoken.models import Token
from rest_framework.test import RequestsClient

from classifier.aliases import promote
from classifier.models import ModelVersion
from classifier.serving.cache import forget_engines
from datasets.models import Image
from tests.factories import DatasetFactory, png
from tests.factories_models import CLASSES, ModelVersionFactory
from tests.site.test_api_description import as_json_schema

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "clients.md"
FILES = {"panel.png": png(1), "scan.tif": b"II*\0", "notes.txt": b"no image"}


def blocks(language: str) -> list[str]:
    """The code blocks of a language in the document."""
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)


@pytest.fixture
def champion(transactional_db: None) -> ModelVersion:
    forget_engines()
    made = ModelVersionFactory(answers=True)
    promote(made, reason="the only one", author=None)
    return made


@pytest.fixture
def token(champion: ModelVersion, user_in_role: Callable[[str], User]) -> str:
    """A curator's token; there is a dataset to keep images in."""
    DatasetFactory(slug="mine")
    return str(Token.objects.create(user=user_in_role("curator")).key)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an image, a damaged one, and a text."""
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def client_environment(site: str, token: str) -> dict[str, str]:
    """What a client finds in its environment: nothing of this repository."""
    return {"SITE": site, "TOKEN": token, "PATH": os.environ["PATH"]}


def run_python(folder: Path, site: str, token: str) -> list[dict[str, str]]:
    """Run the Python example over the folder; return the rows of its CSV."""
    (example,) = blocks("python")
    script = folder.parent / "classify_folder.py"
    script.write_text(example)
    ended = subprocess.run(
        [sys.executable, "-I", str(script), str(folder)],
        env=client_environment(site, token),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return list(csv.DictReader(StringIO(ended.stdout)))


@pytest.fixture
def busy_door(live_server: Any) -> Iterator[str]:
    """A door before the live server that is too busy for the first two requests: its address."""
    asked: list[str] = []

    def answer(environ: dict[str, Any], start: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        asked.append(environ["PATH_INFO"])
        if len(asked) <= 2:
            busy = ("429 Too Many Requests", "503 Service Unavailable")[len(asked) - 1]
            start(busy, [("Retry-After", "0")])
            return [b'{"code": "busy", "detail": "Too much at once."}']
        headers = {"Authorization": environ["HTTP_AUTHORIZATION"], "Content-Type": environ["CONTENT_TYPE"]}
        with urlopen(Request(live_server.url + environ["PATH_INFO"], body, headers)) as told:
            start("200 OK", [("Content-Type", "application/json")])
            return [told.read()]

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with make_server("127.0.0.1", 0, answer, WSGIServer, Quiet) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
    assert len(asked) >= 3


def test_the_python_example_is_short_and_needs_nothing_but_python() -> None:
    (example,) = blocks("python")
    assert len(example.splitlines()) <= 40
    imported = set(re.findall(r"^(?:import|from) ([\w., ]+?)(?: import .*)?$", example, re.MULTILINE))
    names = {name.strip().partition(".")[0] for line in imported for name in line.split(",")}
    assert names <= sys.stdlib_module_names


def test_the_python_example_classifies_a_folder(live_server: Any, token: str, folder: Path) -> None:
    for number in range(40):
        (folder / f"many-{number:02}.png").write_bytes(png(number))
    rows = run_python(folder, live_server.url, token)
    assert len(rows) == 42
    by_name = {Path(row["file"]).name: row for row in rows}
    assert by_name["panel.png"]["label"] in CLASSES
    assert 0 < float(by_name["panel.png"]["confidence"]) <= 1
    assert by_name["scan.tif"]["label"] == ""
    assert by_name["scan.tif"]["error"]


def test_the_python_example_waits_for_a_busy_server(busy_door: str, token: str, folder: Path) -> None:
    rows = run_python(folder, busy_door, token)
    assert [row["label"] in CLASSES for row in rows] == [True, False]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_examples_do_what_the_document_says(live_server: Any, token: str, folder: Path) -> None:
    answers = []
    for example in blocks("sh"):
        ended = subprocess.run(
            ["sh", "-c", example],
            cwd=folder,
            env=client_environment(live_server.url, token),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        answers.append(json.loads(ended.stdout))
    classified, kept = answers
    panel, scan = classified["results"]
    assert (panel["label"] in CLASSES, scan["error"]["code"]) == (True, "corrupt")
    image = Image.objects.get(pk=kept["results"][0]["image"]["id"])
    assert (image.dataset.slug, str(image)) == ("mine", "PMC1234567/panel.png")


def examples(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """Every example of a request in the description: path, method, value, media type."""
    for path, methods in described["paths"].items():
        for method, told in methods.items():
            for media_type, content in told.get("requestBody", {}).get("content", {}).items():
                for example in content.get("examples", {}).values():
                    yield path, method, example["value"], media_type


def sent(path: str, method: str, value: dict[str, Any], media_type: str, site: str, token: str) -> Any:
    """Send an example to the live server as a client would."""
    client = RequestsClient()
    headers = {"Authorization": f"Token {token}"}
    if media_type != "multipart/form-data":
        return client.request(method, site + path, json=value, headers=headers)
    names = {"images", "file"}
    files = [
        (field, (name, FILES[name]))
        for field in names & value.keys()
        for name in (value[field] if isinstance(value[field], list) else [value[field]])
    ]
    data = {field: str(given) for field, given in value.items() if field not in names}
    return client.request(method, site + path, data=data, files=files, headers=headers)


def test_every_example_of_a_request_is_answered_as_described(live_server: Any, token: str) -> None:
    DatasetFactory(slug="sample")
    described = as_json_schema(SchemaGenerator().get_schema(request=None, public=True))
    asked = []
    for path, method, value, media_type in examples(described):
        answer = sent(path, method, value, media_type, live_server.url, token)
        assert answer.status_code == 200, (path, value, answer.content)
        told = described["paths"][path][method]["responses"]["200"]["content"]["application/json"]
        jsonschema.validate(answer.json(), {**told["schema"], "components": described["components"]})
        asked.append(path)
    assert asked.count("/api/v1/classify/") == 3
    assert asked.count("/api/v1/feedback/") == 1


def test_every_example_of_an_answer_is_one() -> None:
    described = as_json_schema(SchemaGenerator().get_schema(request=None, public=True))
    checked = 0
    for methods in described["paths"].values():
        for told in methods.values():
            for response in told["responses"].values():
                for content in response.get("content", {}).values():
                    for example in content.get("examples", {}).values():
                        schema = {**content["schema"], "components": described["components"]}
                        jsonschema.validate(example["value"], schema)
                        checked += 1
    assert checked >= 2
    (answer,) = blocks("json")
    classify = described["paths"]["/api/v1/classify/"]["post"]["responses"]["200"]["content"]
    schema = classify["application/json"]["schema"]
    jsonschema.validate(json.loads(answer), {**schema, "components": described["components"]})
