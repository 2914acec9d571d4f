"""A page of the site: signed in, permitted, in the admin's frame; a refusal becomes a page that says why."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.views.generic import TemplateView

from datasets.admin.in_use import PARAMETER, dataset_in_use, use_dataset
from datasets.errors import Refused
from datasets.models import Dataset


class Page(TemplateView):
    """A page in the frame. `permissions` are needed to see it, `post_permissions` to send its form.

    A page that is `of_dataset` names its dataset in the address, so that a link shows a colleague the same.
    """

    title = ""
    permissions: tuple[str, ...] = ()
    post_permissions: tuple[str, ...] = ()
    of_dataset = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check who asks; answer, or say why not."""
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        needed = self.permissions if request.method in ("GET", "HEAD") else self.post_permissions
        if not request.user.has_perms((*self.permissions, *needed)):
            raise PermissionDenied
        try:
            named = not self.of_dataset or request.method != "GET" or PARAMETER in request.GET
            if not named and (found := dataset_in_use(request)):
                return self._with_dataset(request, found)
            return super().dispatch(request, *args, **kwargs)
        except Refused as refusal:
            return self.refused(refusal)

    @property
    def dataset(self) -> Dataset | None:
        """The dataset in use."""
        return dataset_in_use(self.request)

    def use(self, dataset: Dataset | None) -> None:
        """Make the dataset of what the page shows the one in use."""
        use_dataset(self.request, dataset)

    def may(self, *permissions: str) -> bool:
        """Whether the person who asks has these permissions."""
        return self.request.user.has_perms(permissions)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the frame."""
        self.request.current_app = admin.site.name  # type: ignore[attr-defined]
        context = super().get_context_data(**kwargs)
        return {
            **admin.site.each_context(self.request),
            "title": self.title,
            "dataset": self.dataset,
            **context,
        }

    def refused(self, refusal: Refused) -> HttpResponse:
        """Say in the frame what was not done, and why."""
        try:
            dataset_in_use(self.request)
        except Refused:
            # The address names one that is not to be seen, whatever else was refused.
            use_dataset(self.request, None)
        context = Page.get_context_data(self, title="This could not be done", refusal=refusal)
        return TemplateResponse(self.request, "refused.html", context, status=refusal.status)

    def _with_dataset(self, request: HttpRequest, dataset: Dataset) -> HttpResponseRedirect:
        """Go to the same address with the dataset in it."""
        query = request.GET.copy()
        query[PARAMETER] = dataset.slug
        return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")


def address(path: str, **parameters: Any) -> str:
    """Return a path with these parameters, those that are empty left out."""
    given = {name: value for name, value in parameters.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path
