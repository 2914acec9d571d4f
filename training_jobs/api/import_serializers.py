"""What the REST door says of imports, and what it takes to queue one."""

from typing import Any

from rest_framework import serializers

from training_jobs.api.serializers import JOB_FIELDS, JobSerializer
from training_jobs.models import ImportJob


class ImportJobSerializer(JobSerializer):
    """An import, or its dry run; `result` is the summary that the command prints, without its entries.

    `classify_with`: the model that classifies what came in, once it is there, by the `inference_job`.
    """

    dataset = serializers.CharField(source="dataset_slug", read_only=True)
    archive = serializers.CharField(source="archive_name", read_only=True)
    result = serializers.DictField(read_only=True, allow_null=True)
    classify_with = serializers.IntegerField(source="classify_with_id", read_only=True, allow_null=True)
    inference_job = serializers.IntegerField(source="inference_id", read_only=True, allow_null=True)

    class Meta:
        model = ImportJob
        fields = (
            "id",
            "dataset",
            "archive",
            "dry_run",
            "checked_by",
            "classify_with",
            "inference_job",
            "result",
            *JOB_FIELDS,
        )
        read_only_fields = fields


class ImportJobDetailSerializer(ImportJobSerializer):
    """An import with the entries behind its counts."""

    result = serializers.DictField(source="summary", read_only=True, allow_null=True)


class NewImportSerializer(serializers.Serializer[Any]):
    """An archive to import, or a finished dry run whose archive is to be imported."""

    archive = serializers.FileField(
        required=False,
        allow_empty_file=True,
        help_text="A zip: classification.json beside a folder of images, or class folders.",
    )
    dataset = serializers.CharField(max_length=64, required=False, help_text="The dataset's slug.")
    dry_run = serializers.BooleanField(default=False)
    checked_by = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, required=False, help_text="The id of a finished dry run."
    )

    classify_with = serializers.CharField(
        max_length=140,
        required=False,
        allow_blank=True,
        help_text="A model (id, `name@version` or alias) that classifies what came in, once it is imported.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for an archive and its dataset, or for a dry run."""
        if "checked_by" in attrs:
            if "archive" in attrs:
                raise serializers.ValidationError("Send an archive or name a dry run, not both.")
            return attrs
        missing = {name: ["This field is required."] for name in ("archive", "dataset") if name not in attrs}
        if missing:
            raise serializers.ValidationError(missing)
        return attrs
