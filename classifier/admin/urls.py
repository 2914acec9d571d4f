"""Routes of the pages of models, their comparison, and classification of files."""

from django.urls import path

from classifier.admin.alias import AliasPage
from classifier.admin.calibration import CalibrationPage
from classifier.admin.classify import ClassifyPage
from classifier.admin.comparing import ComparePage
from classifier.admin.described import CardPage, DescribePage
from classifier.admin.evaluated import MatrixFile, ScoreAgain
from classifier.admin.gates import GatesPage
from classifier.admin.listing import ModelsPage
from classifier.admin.model import ModelPage

urlpatterns = [
    path("models/", ModelsPage.as_view(), name="models"),
    path("models/<int:pk>/", ModelPage.as_view(), name="model"),
    path("models/<int:pk>/evaluations/<int:evaluation>/again/", ScoreAgain.as_view(), name="score-again"),
    path("models/<int:pk>/gates/", GatesPage.as_view(), name="gates"),
    path("models/<int:pk>/card/", CardPage.as_view(), name="card"),
    path("models/<int:pk>/describe/", DescribePage.as_view(), name="describe"),
    path("aliases/<slug:alias>/", AliasPage.as_view(), name="alias"),
    path("models/<int:pk>/calibration/", CalibrationPage.as_view(), name="model-calibration"),
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
