"""Every refusal of the REST door in one shape: `{"code", "detail"}`, with `fields` where fields are wrong."""

import logging
from typing import Any

from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFilesSent,
)
from django.core.exceptions import ValidationError as ModelInvalid
from django.db import OperationalError
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from datasets.errors import Refused

logger = logging.getLogger(__name__)

Fields = dict[str, list[str]]


def error_response(code: str, detail: str, *, status: int, fields: Fields | None = None) -> Response:
    """Answer with an error in the one shape."""
    body: dict[str, Any] = {"code": code, "detail": _encodable(detail)}
    if fields:
        body["fields"] = {
            _encodable(name): [_encodable(text) for text in told] for name, told in fields.items()
        }
    return Response(body, status=status)


def _encodable(text: str) -> str:
    """Escape lone surrogates, which a request may hold and an answer cannot."""
    return text.encode(errors="backslashreplace").decode()


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """Turn whatever a view raised into an answer; what nobody foresaw is logged and told without details."""
    set_rollback()
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    named = _named(error)
    if named is not None:
        return named
    known = _of_django(error)
    if known is not None:
        return known
    view = type(context.get("view")).__name__
    logger.error("%s failed", view, exc_info=error)
    if isinstance(error, OperationalError):
        return error_response("busy", "The database is busy or away. Try again in a moment.", status=503)
    return error_response(
        "server_error",
        "Something went wrong on the server; it has been logged. Try again, or ask its administrator.",
        status=500,
    )


def _named(error: Exception) -> Response | None:
    """Answer for refusals, and for exceptions of other rooms that carry a code and a status themselves."""
    code, status = getattr(error, "code", None), getattr(error, "status", None)
    if not isinstance(error, Refused) and not (isinstance(code, str) and isinstance(status, int)):
        return None
    fields = getattr(error, "fields", None)
    response = error_response(str(code), str(error), status=int(status or 400), fields=fields or None)
    if wait := getattr(error, "retry_after", None):
        response["Retry-After"] = str(wait)
        # Django would log each as an error of the site, thousands a minute where it is overloaded.
        response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _of_framework(error: exceptions.APIException) -> Response:
    """Answer for what the REST framework raises."""
    if isinstance(error, exceptions.ValidationError):
        fields = flat_fields(error.detail)
        response = error_response("invalid", _sentence(fields), status=error.status_code, fields=fields)
    else:
        code = error.get_codes()
        detail = str(error.detail)
        response = error_response(
            code if isinstance(code, str) else error.default_code, detail, status=error.status_code
        )
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(int(wait))
    return response


def _of_django(error: Exception) -> Response | None:
    """Answer for what Django raises while it reads a request or looks for a row."""
    match error:
        case Http404() | ObjectDoesNotExist():
            return error_response(
                "not_found", "There is nothing at this address, or not for you.", status=404
            )
        case PermissionDenied():
            return error_response("permission_denied", "Your role does not allow this.", status=403)
        case ModelInvalid():
            fields = flat_fields(
                error.message_dict if hasattr(error, "error_dict") else {"non_field_errors": error.messages}
            )
            return error_response("invalid", _sentence(fields), status=400, fields=fields)
        case UnreadablePostError():
            return error_response(
                "incomplete",
                "The request ended, or stalled, before it was complete. Send it again.",
                status=408,
            )
        case TooManyFilesSent():
            return error_response("too_many_files", "Too many files in one request. Send fewer.", status=413)
        case RequestDataTooBig():
            return error_response("too_large", "The request is too large. Send less at once.", status=413)
        case SuspiciousOperation() | MultiPartParserError() | RecursionError():
            return error_response(
                "parse_error", "The request cannot be read: its form or JSON is broken.", status=400
            )
    return None


def flat_fields(detail: Any, name: str = "") -> Fields:
    """Flatten nested validation errors to {"images.1.id": [sentences]}."""
    if isinstance(detail, dict):
        found: Fields = {}
        for key, value in detail.items():
            own = name if key == "non_field_errors" else f"{name}.{key}" if name else str(key)
            found |= flat_fields(value, own)
        return found
    if isinstance(detail, list):
        if all(isinstance(item, str) for item in detail):
            return {name or "non_field_errors": [str(item) for item in detail]} if detail else {}
        found = {}
        for index, item in enumerate(detail):
            found |= flat_fields(item, f"{name}.{index}" if name else str(index))
        return found
    return {name or "non_field_errors": [str(detail)]}


def _sentence(fields: Fields) -> str:
    """Say in one text what is wrong with which field."""
    told = [
        " ".join(sentences) if name == "non_field_errors" else f"{name}: {' '.join(sentences)}"
        for name, sentences in fields.items()
    ]
    return " ".join(told[:5]) or "The request is not valid."
