"""A version's file, in the form that is wanted."""

import shutil
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from classifier.exports import FORMATS, VersionFile, file_of
from classifier.models import Export, ModelVersion
from classifier.quantisation import told_quantised
from classifier.registry import find_model
from datasets.errors import Refused
from datasets.management.output import JsonCommand
from training_jobs.exporting import queue_export
from training_jobs.following import follow
from training_jobs.models import ExportJob, Job
from training_jobs.running import carry_out


class Command(JsonCommand):
    """`export_model [MODEL] [--format keras|onnx|litert|int8] [--output FILE]`."""

    help = "Write a model's file in a form; LiteRT or INT8 is made at once if need be."

    def add_options(self, parser: CommandParser) -> None:
        """Add model, format, output."""
        parser.add_argument("model", metavar="MODEL", nargs="?", help="an id, name@version, or an alias")
        parser.add_argument("--format", choices=FORMATS, default=Export.Format.LITERT.value)
        parser.add_argument("--output", type=Path, help="a file to write; without it the form is only made")

    def run(self, **options: Any) -> dict[str, Any]:
        """Make the form if need be, check it, copy it."""
        version = find_model(options["model"])
        file = file_of(version, options["format"])
        if options["format"] in Export.Format.values and (file is None or file.fault):
            file = self._made(version, options["format"])
        int8 = ModelVersion.objects.get(pk=version.pk).int8
        if file is None and options["format"] == Export.Format.INT8 and int8:
            raise Refused(told_quantised(int8), code="int8_not_offered")
        if file is None or file.fault:
            told = file.fault if file else "it has not been made"
            raise Refused(f"{version} cannot be given out: {told}.", code="artefact_missing")
        if options["output"]:
            _copy(file, options["output"])
        self.say(f"{version} as {file.name}: {file.byte_size:,} bytes, sha256 {file.sha256}")
        return {
            "model": str(version),
            "format": file.format,
            "bytes": file.byte_size,
            "sha256": file.sha256,
            "parity": file.parity,
            "output": str(options["output"]) if options["output"] else None,
        }

    def _made(self, version: ModelVersion, file_format: str) -> VersionFile | None:
        """Make a form here, or wait for the worker that makes it."""
        job: ExportJob = queue_export(version, file_format=file_format)
        self.tell(f"Converting {version}: this takes up to a minute or two")
        if not carry_out(job, worker="export_model"):
            follow(job, say=self.tell)
        job.refresh_from_db()
        if job.state != Job.State.SUCCEEDED:
            raise Refused(
                job.error or f"The export ended {job.state}.", code=job.error_code or "export_failed"
            )
        return file_of(ModelVersion.objects.get(pk=version.pk), file_format)


def _copy(file: VersionFile, output: Path) -> None:
    """Copy a form to where it is wanted."""
    try:
        with file.open() as source, output.open("wb") as target:
            shutil.copyfileobj(source, target)
    except OSError as error:
        raise Refused(f"{output} cannot be written: {error.strerror}.", code="not_written") from error
