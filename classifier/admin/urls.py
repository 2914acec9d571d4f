"""Routes of the pages of models, their comparison, and classification of files."""

from django.urls import path

from classifier.admin.classify import ClassifyPage
from classifier.admin.comparing import ComparePage
from classifier.admin.evaluated import MatrixFile, ScoreAgain
from classifier.admin.listing import ModelsPage
from classifier.admin.model import ModelPage

urlpatterns = [
    path("models/", ModelsPage.as_view(), name="models"),
    path("models/<int:pk>/", ModelPage.as_view(), name="model"),
    path("models/<int:pk>/evaluations/<int:evaluation>/again/", ScoreAgain.as_view(), name="score-again"),
    *(
        path(
            f"models/<int:pk>/matrix.{each}",
            MatrixFile.as_view(file_format=each),
            name=f"model-matrix-{each}",
        )
        for each in ("svg", "png", "csv")
    ),
    path("compare/", ComparePage.as_view(), name="compare"),
    path("classify/", ClassifyPage.as_view(), name="classify"),
]
