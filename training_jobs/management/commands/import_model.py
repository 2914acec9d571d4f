"""Register a model trained elsewhere."""

import os
import socket
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from classifier.management.commands.evaluate import as_json
from classifier.networks.config import ARCHITECTURES
from classifier.networks.foreign.stated import STATED
from classifier.telling import told_evaluation
from datasets.errors import Refused
from datasets.management.output import JsonCommand
from datasets.splitting import find_split
from training_jobs.following import Interrupted
from training_jobs.model_queueing import queue_model_import
from training_jobs.models import Job, ModelImport

_OPTIONS = [name for name in STATED if name != "architecture"]


class Command(JsonCommand):
    """`import_model FILE --architecture A --classes A,B,... [--name N] [--split S] ...`."""

    help = (
        "Register a model trained elsewhere: an .h5 or .keras file. Only its weights are read, into a "
        "network that is built here; no code in the file is run."
    )

    def add_options(self, parser: CommandParser) -> None:
        """Add file, architecture, classes, and what the file may not tell."""
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--architecture", required=True, choices=ARCHITECTURES)
        parser.add_argument(
            "--classes", required=True, metavar="A,B,...", help="in the order of the network's outputs"
        )
        parser.add_argument("--name", help="of the model (the file's)")
        parser.add_argument("--split", help="evaluate it on the test subset of this split, as a check")
        for name in _OPTIONS:
            field = STATED[name]
            choices = {"choices": field.choices} if field.choices else {"type": int, "metavar": "N"}
            parser.add_argument(f"--{name.replace('_', '-')}", help=field.help, **choices)  # type: ignore[arg-type]

    def run(self, **options: Any) -> dict[str, Any]:
        """Import in this very process, without a worker; tell the version and its scores."""
        if not options["file"].is_file():
            raise CommandError(f"There is no file {options['file']}.")
        job = queue_model_import(
            options["file"],
            architecture=options["architecture"],
            classes=options["classes"],
            name=options["name"],
            stated={name: options[name] for name in _OPTIONS if options[name] is not None},
            split=find_split(options["split"]) if options["split"] else None,
            wake=False,
        )
        self.tell(f"{str(job).capitalize()}: reading its weights, building the network, exporting it")
        self._carry_out(job)
        return self._told(job)

    def _carry_out(self, job: ModelImport) -> None:
        """Do the job here; `Refused` where it ended otherwise than well."""
        from training_jobs.running import carry_out

        try:
            carry_out(job, worker=f"{socket.gethostname()}:{os.getpid()}")
        except KeyboardInterrupt:
            job.cancel()
            job.stopped()
            raise Interrupted(f"{job} was stopped; nothing was registered.") from None
        except Exception as error:
            job.refresh_from_db()
            if job.error_code in ("", "unexpected"):
                raise
            raise Refused(job.error, code=job.error_code) from error
        job.refresh_from_db()
        if job.state != Job.State.SUCCEEDED:
            raise Refused(f"{job} ended {job.state}.", code="job_failed")

    def _told(self, job: ModelImport) -> dict[str, Any]:
        """Tell the version, what was assumed of it, and how the check came out."""
        version = job.version
        if version is None:
            raise CommandError(f"{job} has no version.")
        self.say(
            f"{version} (id {version.pk}): {version.get_architecture_display()}, "
            f"{version.input_size} x {version.input_size} pixels, {version.geometry}, "
            f"preprocessing {version.config['preprocessing']}, classes {', '.join(version.classes)}"
        )
        for sentence in version.config["assumed"]:
            self.warn(sentence)
        evaluation = job.evaluation
        if evaluation is None:
            self.say(
                f"It is not checked yet: evaluate {version} --split SPLIT says whether classes and "
                "preprocessing are right."
            )
        else:
            for line in told_evaluation(evaluation):
                self.say(line)
        if job.warning:
            self.warn(job.warning)
        return {
            "id": job.pk,
            "state": job.state,
            "model": {"id": version.pk, "name": version.name, "version": version.version},
            "classes": version.classes,
            "config": version.config,
            "file_sha256": job.file_sha256,
            "evaluation": as_json(evaluation) if evaluation else None,
            "warning": job.warning,
        }
