"""Pages that take a large file: one that there is no room for is refused before anything reads it."""

from typing import Any, ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from datasets.errors import Refused
from training_jobs.admin.jobs import LivePage


class UploadPage(LivePage):
    """A page whose form sends a file; `check_declared` raises `Refused` by the size that the request says."""

    check_declared: ClassVar[Any]

    @method_decorator(csrf_exempt)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse what there is no room for before anything reads it; the check of the token does."""
        if not request.user.is_authenticated:
            return super().dispatch(request, *args, **kwargs)
        try:
            self.check_declared(request)
        except Refused as refusal:
            return self.refused(refusal)
        return self._dispatch(request, *args, **kwargs)

    @method_decorator(csrf_protect)
    def _dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().dispatch(request, *args, **kwargs)
