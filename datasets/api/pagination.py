"""Lists in pages: `{"next", "previous", "results"}`, by key and in a stated order."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from datasets.api.keyset import BadCursor, Page, keyset_page

PAGE_SIZE = 50
LARGEST_PAGE = 500
NEWEST_FIRST: Mapping[str, tuple[str, ...]] = {"-id": ("-id",), "id": ("id",)}


class KeysetPagination(BasePagination):
    """Pages of 50 (`page_size`: 1 to 500) that a `cursor` leads through.

    A view's `orderings` maps the values of `ordering` to fields, the first of them being the default.
    """

    page: Page

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the rows of the page asked for; 400 for an unknown ordering, page size or cursor."""
        self.url = request.build_absolute_uri()
        try:
            self.page = keyset_page(
                queryset,
                ordering=self._ordering(request, view),
                cursor=request.query_params.get("cursor") or None,
                size=self._size(request),
            )
        except BadCursor as error:
            raise ValidationError({"cursor": [str(error)]}) from error
        return self.page.rows

    def get_paginated_response(self, data: Any) -> Response:
        """Answer with the page and the addresses of those around it."""
        return Response(
            {"next": self._link(self.page.next), "previous": self._link(self.page.previous), "results": data}
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page."""
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the parameters that every list takes."""
        orderings = list(orderings_of(view))
        return [
            _parameter(
                "cursor", {"type": "string"}, "Where the page starts; taken from `next` or `previous`."
            ),
            _parameter(
                "page_size",
                {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_SIZE},
                "Results per page.",
            ),
            _parameter(
                "ordering", {"type": "string", "enum": orderings, "default": orderings[0]}, "Their order."
            ),
        ]

    def _link(self, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        return replace_query_param(remove_query_param(self.url, "cursor"), "cursor", cursor)

    def _ordering(self, request: Request, view: Any) -> Sequence[str]:
        orderings = orderings_of(view)
        wanted = request.query_params.get("ordering") or next(iter(orderings))
        if wanted not in orderings:
            raise ValidationError(
                {"ordering": [f"{wanted!r} is no ordering of this list. There are: {', '.join(orderings)}."]}
            )
        return orderings[wanted]

    def _size(self, request: Request) -> int:
        text = request.query_params.get("page_size") or str(PAGE_SIZE)
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LARGEST_PAGE):
            raise ValidationError({"page_size": [f"page_size is a whole number from 1 to {LARGEST_PAGE}."]})
        return int(text)


def orderings_of(view: Any) -> Mapping[str, tuple[str, ...]]:
    """The orderings of a view; newest first where it names none."""
    return getattr(view, "orderings", None) or NEWEST_FIRST


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
