"""What tests of the REST door share: clients of the roles, and every awkward upload."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image as Picture
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from tests.factories import png

ROLES = ("viewer", "annotator", "curator", "admin")
API = "/api/v1/"


@pytest.fixture
def api(user_in_role: Callable[[str], User]) -> Callable[[str], APIClient]:
    """Make a client that signs in with a token, as a user in a role ("" signs nobody in)."""

    def make(role: str = "curator") -> APIClient:
        client = APIClient()
        if role:
            token, _ = Token.objects.get_or_create(user=user_in_role(role))
            client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
        return client

    return make


def upload(data: bytes | None = None, name: str = "panel.png", *, seed: int = 0) -> SimpleUploadedFile:
    """A file as a browser sends it."""
    return SimpleUploadedFile(name, png(seed) if data is None else data)


def assert_error(response: Any, status: int, code: str) -> None:
    """Check the one shape of errors, and that it gives nothing of the server away."""
    assert response.status_code == status, response.content
    assert response["Content-Type"].startswith("application/json")
    body = response.json()
    assert set(body) <= {"code", "detail", "fields"}
    assert body["code"] == code
    assert body["detail"].strip()
    assert "Traceback" not in body["detail"]
    assert "/tmp" not in body["detail"]
    for sentences in body.get("fields", {}).values():
        assert sentences
        assert all(isinstance(sentence, str) for sentence in sentences)


def _gif() -> bytes:
    written = BytesIO()
    Picture.new("P", (16, 16)).save(written, "GIF")
    return written.getvalue()


def _claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises many pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
AWKWARD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "text named png": (b"this is no image", "format_not_allowed"),
    "html": (b"<!DOCTYPE html><html><body>404</body></html>", "format_not_allowed"),
    "lfs pointer": (LFS_POINTER, "format_not_allowed"),
    "gif": (_gif(), "format_not_allowed"),
    "truncated": (png(1, width=64, height=64)[:900], "corrupt"),
    "huge header": (_claiming(30_000, 30_000), "too_many_pixels"),
    "one pixel": (png(2, width=1, height=1), "bad_dimensions"),
}
