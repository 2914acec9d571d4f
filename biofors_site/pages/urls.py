"""Routes of the hall: pages that join rooms."""

from django.urls import path

from biofors_site.pages.dataset import DatasetPage
from biofors_site.pages.errors import ErrorsPage
from biofors_site.pages.home import HomePage
from biofors_site.pages.image import ImagePage, ImagePanel
from biofors_site.pages.inference import WideInferencePage
from biofors_site.pages.review import ReviewPage
from biofors_site.pages.workbench import WorkbenchPage

urlpatterns = [
    path("", HomePage.as_view(), name="home"),
    path("workbench/", WorkbenchPage.as_view(), name="workbench"),
    path("classify/datasets/", WideInferencePage.as_view(), name="inference"),
    path("review/", ReviewPage.as_view(), name="review"),
    path("datasets/<slug:slug>/", DatasetPage.as_view(), name="dataset"),
    path("models/<int:pk>/errors/", ErrorsPage.as_view(), name="model-errors"),
    path("images/<int:pk>/", ImagePage.as_view(), name="image"),
    path("images/<int:pk>/panel/", ImagePanel.as_view(), name="image-panel"),
]
