"""Files over HTTP: kept for ever by their content hash, shown inline, never interpreted."""

from pathlib import Path
from typing import Any, Protocol

from django.http import FileResponse, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from datasets.errors import Refused

FOR_EVER = "private, max-age=31536000, immutable"
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "TIFF": "image/tiff"}


class Opened(Protocol):
    """What can be opened to be read, and is no file by itself."""

    def open(self, mode: str) -> Any:
        """Return its bytes as a file."""


class TooLarge(Refused):
    """Raised for a request whose body is larger than what could be taken."""

    code = "too_large"
    status = 413


class LengthMissing(Refused):
    """Raised for a body in chunks, whose length nobody knows before it has ended."""

    code = "length_required"
    status = 411


class AnyAccept(BaseContentNegotiation):
    """Answers with the file whatever the client says it accepts: an `<img>` accepts no JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Take the first parser."""
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """Take the first renderer, for errors."""
        return renderers[0], renderers[0].media_type


def send_file(
    request: Request,
    file: Path | Opened,
    *,
    media_type: str,
    name: str,
    sha256: str,
    attachment: bool = False,
) -> HttpResponse | FileResponse:
    """Send a file with its hash as `ETag`; 304 where the client has it. FileNotFoundError if it is gone."""
    etag = quote_etag(sha256)
    unchanged = get_conditional_response(request._request, etag=etag)
    if unchanged is not None:
        response: Any = unchanged
    else:
        response = FileResponse(
            file.open("rb"), content_type=media_type, filename=name, as_attachment=attachment
        )
    response["ETag"] = etag
    response["Cache-Control"] = FOR_EVER
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def check_body_size(request: Request, *, most: int) -> None:
    """Refuse a body by its declared length, or for having none, before a byte of it is read."""
    length = str(request.META.get("CONTENT_LENGTH") or "")
    if not length and "HTTP_TRANSFER_ENCODING" in request.META:
        raise LengthMissing("Say how long the request is: send Content-Length, not chunks.")
    if length.isdigit() and int(length) > most:
        raise TooLarge(f"The request has {int(length) / 2**20:.1f} MB; at most {most // 2**20} MB are taken.")
