"""What a trained model is and what it said."""

from classifier.models.calibration import Calibration, Threshold
from classifier.models.evaluation import Evaluation
from classifier.models.prediction import Prediction
from classifier.models.registry import Alias, Promotion
from classifier.models.version import Export, ModelVersion, RemovedVersion, VersionTag

__all__ = [
    "Alias",
    "Calibration",
    "Evaluation",
    "Export",
    "ModelVersion",
    "Prediction",
    "Promotion",
    "RemovedVersion",
    "Threshold",
    "VersionTag",
]
