"""A worker killed between any two steps of publishing: one whole version, and nothing beside it."""

import pytest

from classifier.serving.checksums import checksum
from tests.faults.installation import QUICK, Installation
from tests.faults.saboteur import Harm, mark_of

pytestmark = [pytest.mark.slow, pytest.mark.keras]
PUBLISHED_WITHIN = 120.0
ARTEFACTS, TRAINING = "classifier.networks.artefacts", "training_jobs.training"
FILES = {
    "trained": Harm("kill", f"{ARTEFACTS}:publish"),
    "saved-for-keras": Harm("kill", f"{ARTEFACTS}:_export"),
    "exported-to-onnx": Harm("kill", f"{ARTEFACTS}:measure_parity"),
    "half-in-place": Harm("kill", f"{ARTEFACTS}:into_place", after=True),
}
FOLDERS = {
    "whole-in-scratch": Harm("kill", f"{TRAINING}:into_models"),
    "in-models": Harm("kill", f"{TRAINING}:into_models", after=True),
    "classified": Harm("kill", f"{TRAINING}:answers_of", after=True),
}
IN_INT8 = {
    "quantised": Harm("kill", "training_jobs.quantising:run_program", after=True),
    "half-of-int8-in-place": Harm("kill", "training_jobs.quantising:into_place", after=True),
    "in-models-with-int8": Harm("kill", f"{TRAINING}:into_models", after=True),
}
PUBLISHED = ["model.keras", "model.onnx", "recipe.json"]
ROWS = {
    "before-the-commit": Harm("kill", f"{TRAINING}:TrainingRun.succeed", after=True),
    "after-the-commit": Harm("kill", f"{TRAINING}:clear_checkpoints"),
}


@pytest.mark.parametrize("harms", [FILES, FOLDERS], ids=["files", "folders"])
def test_a_worker_killed_while_it_writes_a_model_publishes_one_whole_version_later(
    embedded: Installation, harms: dict[str, Harm]
) -> None:
    assert_each_is_published_once(embedded, harms)


def test_a_worker_killed_while_it_quantises_publishes_one_version_in_int8_later(
    embedded: Installation,
) -> None:
    embedded.environment["BIOFORS_INT8"] = "1"
    assert_each_is_published_once(embedded, IN_INT8, files=[*PUBLISHED, "model-int8.bin", "model-int8.xml"])
    exports = embedded.rows(
        "SELECT offered, sha256, directory FROM classifier_export "
        "JOIN classifier_modelversion ON version_id = classifier_modelversion.id WHERE format = 'int8'"
    )
    assert len(exports) == len(IN_INT8)
    for offered, sha256, directory in exports:
        folder = embedded.data_dir / directory
        assert offered
        assert checksum(folder / "model-int8.xml", folder / "model-int8.bin") == sha256


def test_a_worker_killed_beside_the_commit_publishes_one_whole_version(installation: Installation) -> None:
    assert_each_is_published_once(installation, ROWS)


def assert_each_is_published_once(
    installation: Installation, harms: dict[str, Harm], *, files: list[str] = PUBLISHED
) -> None:
    """Let a run die at each of these steps, and assert what is there when all have ended: these files."""
    runs = {name: installation.queue_run(name, *QUICK) for name in harms}
    installation.start_reaper()
    installation.start_saboteur(harms)
    for name, run in runs.items():
        ended = installation.wait_for(run, "succeeded", "failed", "dead", seconds=PUBLISHED_WITHIN)
        assert mark_of(installation.data_dir, name).exists()
        assert ended["state"] == "succeeded", installation.notes(run)
        if name == "after-the-commit":
            assert ended["attempt"] == 1
        else:
            assert ended["attempt"] == 2
            assert "running: Goes on after epoch 1" in installation.notes(run)
    installation.manage("reap")
    versions = installation.rows(
        "SELECT name, directory, keras_sha256, onnx_sha256 FROM classifier_modelversion ORDER BY name"
    )
    assert [name for name, *_ in versions] == sorted(runs)
    for _, directory, *sums in versions:
        folder = installation.data_dir / directory
        assert [checksum(folder / name) for name in ("model.keras", "model.onnx")] == sums
        assert sorted(path.name for path in folder.iterdir()) == sorted(files)
    assert sorted(str(path.relative_to(installation.data_dir)) for path in installation.models()) == sorted(
        directory for _, directory, *_ in versions
    )
    assert installation.leavings() == []
    said = "SELECT version_id, count(*) FROM classifier_evaluation GROUP BY version_id"
    assert [count for _, count in installation.rows(said)] == [2] * len(runs)
