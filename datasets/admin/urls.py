"""Routes of the pages of splits."""

from django.urls import path

from datasets.admin.new_split import NewSplitPage
from datasets.admin.splits import SplitPage, SplitsPage

urlpatterns = [
    path("splits/", SplitsPage.as_view(), name="splits"),
    path("splits/new/", NewSplitPage.as_view(), name="new-split"),
    path("splits/<int:pk>/", SplitPage.as_view(), name="split"),
]
