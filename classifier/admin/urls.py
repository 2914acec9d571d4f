"""Routes of the pages of models, their comparison, and classification of files."""

from django.urls import path

from classifier.admin.pages import ClassifyPage, ComparePage, ModelPage, ModelsPage

urlpatterns = [
    path("models/", ModelsPage.as_view(), name="models"),
    path("models/<int:pk>/", ModelPage.as_view(), name="model"),
    path("compare/", ComparePage.as_view(), name="compare"),
    path("classify/", ClassifyPage.as_view(), name="classify"),
]
