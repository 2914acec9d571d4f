"""The doing: jobs that a worker claims, and what they report while they run."""

from training_jobs.models.errors import IllegalMove, LeaseLost, WorkerEnding
from training_jobs.models.export_job import ExportJob
from training_jobs.models.import_job import ImportJob
from training_jobs.models.inference_chunk import InferenceChunk
from training_jobs.models.inference_job import InferenceJob
from training_jobs.models.job import Job
from training_jobs.models.mirror import Mirror
from training_jobs.models.model_import import ModelImport
from training_jobs.models.sweep import Candidate, Sweep
from training_jobs.models.training_run import EpochMetric, TrainingRun

__all__ = [
    "Candidate",
    "EpochMetric",
    "ExportJob",
    "IllegalMove",
    "ImportJob",
    "InferenceChunk",
    "InferenceJob",
    "Job",
    "LeaseLost",
    "Mirror",
    "ModelImport",
    "Sweep",
    "TrainingRun",
    "WorkerEnding",
]
