"""The pages of imports: a zip is checked, shown, then imported; no worker but the tests runs here."""

import html
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from datasets.models import Dataset, Image
from tests.factories import DatasetFactory, ImageFactory, png
from tests.factories_models import ImportJobFactory
from training_jobs.models import ImportJob, Job
from training_jobs.tasks import run_import

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("woken")]
As = Callable[..., Client]


def read(response: Any) -> str:
    """The page as a person reads it, without entities."""
    return html.unescape(response.content.decode())


def error_at(field: str, page: str) -> str:
    """The sentence that a page shows at a field."""
    found = re.search(rf'<span class="error" id="wrong-{field}"[^>]*>([^<]*)</span>', page)
    assert found, f"the page has no place for errors of {field}"
    return found[1]


def packed(labels: Any, images: dict[str, bytes], *, name: str = "panels.zip") -> SimpleUploadedFile:
    """A zip of a labels file and images."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("classification.json", json.dumps(labels))
        for path, data in images.items():
            archive.writestr(f"images/{path}", data)
    return SimpleUploadedFile(name, written.getvalue(), content_type="application/zip")


def mixed() -> SimpleUploadedFile:
    """Two images with labels, one without, one missing, one that is none."""
    labels = {"7": {"010101.png": "FACS", "010102.png": "Blot/Gel", "gone.png": "FACS", "text.png": "FACS"}}
    images = {"7/010101.png": png(1), "7/010102.png": png(2), "7/more.png": png(3), "7/text.png": b"no image"}
    return packed(labels, images)


def send(client: Client, archive: Any, *, dataset: str = "", slug: str = "", there: str = "panels") -> Any:
    """Send the form of the page of imports."""
    fields = {"dataset": dataset, "slug": slug} | ({"archive": archive} if archive else {})
    return client.post(f"/imports/?dataset={there}", fields)


def checked(client: Client, archive: SimpleUploadedFile, **fields: str) -> ImportJob:
    """Have an archive checked to the end; return the job."""
    answer = send(client, archive, **fields)
    assert answer.status_code == 302, error_at("archive", read(answer))
    job = ImportJob.objects.latest("pk")
    assert answer["Location"] == f"/imports/{job.pk}/"
    run_import(job.pk)
    job.refresh_from_db()
    return job


def act(client: Client, job: ImportJob, action: str) -> Any:
    """Press a button of an import's page."""
    return client.post(f"/imports/{job.pk}/", {"action": action})


def kept_archives(data_dir: Path) -> list[str]:
    """The archives that lie in the data directory."""
    return sorted(path.name for path in (data_dir / "imports").glob("*"))


def test_a_zip_is_checked_then_imported_and_its_images_are_there_with_labels(
    as_role: As, data_dir: Path
) -> None:
    client = as_role()
    check = checked(client, mixed(), slug="fresh")
    assert (check.dry_run, check.state, check.created_by.username) == (True, Job.State.SUCCEEDED, "curator")
    assert not Dataset.objects.exists()
    page = read(client.get(f"/imports/{check.pk}/"))
    assert ">Import these 3 images</button>" in page
    assert "the new dataset fresh, made with the five classes" in page

    answer = act(client, check, "import")
    job = ImportJob.objects.latest("pk")
    assert (answer["Location"], job.dry_run, job.checked_by) == (f"/imports/{job.pk}/", False, check)
    run_import(job.pk)
    rows = Image.objects.filter(dataset__slug="fresh").values_list("file_name", "label__name")
    assert set(rows) == {("010101.png", "FAC"), ("010102.png", "BlotGel"), ("more.png", None)}
    page = read(client.get(f"/imports/{job.pk}/"))
    assert "What was done" in page
    assert 'href="/workbench/?dataset=fresh&state=unlabelled">Label what has no label</a>' in page
    assert 'href="/splits/new/?dataset=fresh">Make a split</a>' in page
    assert kept_archives(data_dir) == []


def test_each_count_opens_its_entries_and_each_refusal_says_why(as_role: As) -> None:
    client = as_role()
    page = read(client.get(f"/imports/{checked(client, mixed(), slug='fresh').pk}/"))
    shown = re.sub(r"<[^>]+>", " ", page[page.index("What will happen") :])
    assert re.search(r"3\s+new, to be stored\s+B\s+BlotGel\s+1\s+F\s+FAC\s+1\s+no label\s+1\s", shown)
    assert re.search(r"1\s+named, but no such file lies there\s+7/gone\.png", shown)
    assert re.search(r"1\s+files that nothing is said of: to be stored unlabelled\s+7/more\.png", shown)
    assert re.search(
        r"1\s+refused: neither PNG nor JPEG nor TIFF\s+format_not_allowed\s+7/text\.png: ", shown
    )


def test_an_import_of_the_same_again_has_nothing_to_do(as_role: As) -> None:
    client = as_role()
    labels, images = {"7": {"a.png": "FACS"}}, {"7/a.png": png(1)}
    act(client, checked(client, packed(labels, images), slug="fresh"), "import")
    run_import(ImportJob.objects.latest("pk").pk)
    page = read(client.get(f"/imports/{checked(client, packed(labels, images), dataset='fresh').pk}/"))
    assert "There is nothing to import: everything in it is stored already." in page
    assert 'value="import"' not in page


def test_labels_that_would_change_are_named_on_the_button(as_role: As) -> None:
    client = as_role()
    act(
        client, checked(client, packed({"7": {"a.png": "FACS"}}, {"7/a.png": png(1)}), slug="fresh"), "import"
    )
    run_import(ImportJob.objects.latest("pk").pk)
    again = packed({"7": {"a.png": "Blot/Gel"}}, {"7/a.png": png(1)})
    page = read(client.get(f"/imports/{checked(client, again, dataset='fresh').pk}/"))
    assert ">Take over 1 changed label</button>" in page
    assert "7/a.png: FAC here, BlotGel in the source" in page


def test_what_was_checked_is_imported_once(as_role: As) -> None:
    client = as_role()
    check = checked(client, mixed(), slug="fresh")
    first, second = act(client, check, "import"), act(client, check, "import")
    assert first["Location"] == second["Location"]
    assert ImportJob.objects.filter(dry_run=False).count() == 1
    page = read(client.get(f"/imports/{check.pk}/"))
    assert "The import of this is under way" in page and 'value="import"' not in page
    run_import(ImportJob.objects.get(dry_run=False).pk)
    assert "This was imported" in read(client.get(f"/imports/{check.pk}/"))


def test_the_dataset_in_use_is_proposed_and_a_new_one_is_explained(as_role: As) -> None:
    DatasetFactory(slug="others", name="Others")
    DatasetFactory(slug="panels", name="Panels")
    page = read(as_role().get("/imports/?dataset=panels"))
    assert '<option value="panels" selected>Panels</option>' in page
    assert '<option value="">A new dataset</option>' in page
    assert "It is made with the five classes" in page


def test_a_site_without_datasets_asks_for_the_name_of_the_first(as_role: As) -> None:
    page = read(as_role().get("/imports/"))
    assert '<option value="" selected>A new dataset</option>' in page
    assert "Single images" not in page


@pytest.mark.parametrize(
    ("archive", "fields", "field", "sentence"),
    [
        (None, {"dataset": "panels"}, "archive", "Choose a zip file first."),
        (
            b"",
            {"dataset": "panels"},
            "archive",
            "The file is no zip archive. Pack images and labels as a zip.",
        ),
        (b"text", {"dataset": "panels"}, "archive", "The file is no zip archive."),
        (b"", {"slug": ""}, "slug", "Name the new dataset, such as my-panels."),
        (b"", {"slug": "panels"}, "slug", "There is a dataset panels already. Choose it from the list."),
        (b"", {"slug": "two words"}, "slug", "'two words' cannot name a dataset: use up to 64 letters"),
        (b"", {"dataset": "gone"}, "dataset", "There is no such dataset any more. Choose another."),
    ],
)
def test_what_cannot_be_checked_is_refused_at_its_field_and_nothing_is_kept(
    as_role: As, data_dir: Path, archive: bytes | None, fields: dict[str, str], field: str, sentence: str
) -> None:
    DatasetFactory(slug="panels")
    file = None if archive is None else SimpleUploadedFile("a.zip", archive)
    answer = send(as_role(), file, **fields)
    assert answer.status_code == 400
    page = read(answer)
    assert sentence in error_at(field, page)
    if fields.get("slug"):
        assert f'name="slug" value="{fields["slug"]}"' in page
    assert not ImportJob.objects.exists()
    assert kept_archives(data_dir) == []


def test_an_upload_goes_through_a_file_and_arrives_whole(as_role: As, data_dir: Path, settings: Any) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000
    archive = packed({"7": {"a.png": "FACS"}}, {"7/a.png": png(1, width=200, height=200)}, name="large.zip")
    sent = archive.read()
    archive.seek(0)
    assert len(sent) > 100_000
    with patch("django.core.files.uploadhandler.InMemoryUploadedFile", side_effect=AssertionError):
        send(as_role(), archive, slug="fresh")
    job = ImportJob.objects.get()
    assert job.archive_name == "large.zip"
    assert (data_dir / job.archive).read_bytes() == sent


def test_a_check_that_fails_says_why_and_offers_another_archive(as_role: As) -> None:
    client = as_role()
    job = checked(client, packed({"7": {"a.png": "Graph"}}, {"7/a.png": png(1)}), slug="fresh")
    assert job.state == Job.State.FAILED
    page = read(client.get(f"/imports/{job.pk}/"))
    assert "The label of 7/a.png: 'Graph' is no class." in page
    assert re.search(r'<a class="button primary" href="/imports/[^"]*">Another archive</a>', page)
    assert "Nothing was stored" in page


def test_an_unknown_spelling_leads_to_the_aliases_of_the_dataset(as_role: As) -> None:
    dataset, client = DatasetFactory(slug="panels"), as_role()
    job = checked(client, packed({"7": {"a.png": "Blots"}}, {"7/a.png": png(1)}), dataset="panels")
    assert f"/admin/datasets/dataset/{dataset.pk}/change/" in read(client.get(f"/imports/{job.pk}/"))
    blot = dataset.class_named("BlotGel")
    blot.aliases.append("Blots")
    blot.save()
    assert act(client, job, "retry").status_code == 302
    run_import(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result["created"]) == (Job.State.SUCCEEDED, 1)


def test_a_waiting_check_shows_its_place_and_can_be_cancelled_and_retried(
    as_role: As, data_dir: Path
) -> None:
    ImportJobFactory()
    job, client = ImportJobFactory(archive="imports/kept.zip"), as_role()
    (data_dir / "imports").mkdir()
    (data_dir / job.archive).write_bytes(b"kept")
    page = read(client.get(f"/imports/{job.pk}/"))
    assert "Number 2 in the queue" in page and 'value="cancel"' in page
    page = read(client.post(f"/imports/{job.pk}/", {"action": "cancel"}, follow=True))
    assert "The check of panels.zip is cancelled." in page
    assert 'value="retry"' in page and 'value="cancel"' not in page
    page = read(client.post(f"/imports/{job.pk}/", {"action": "retry"}, follow=True))
    assert "The check of panels.zip is queued again." in page
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED


def test_a_running_import_shows_how_far_it_is(as_role: As) -> None:
    job = ImportJobFactory(dry_run=False)
    job.claim("worker")
    job.report(done=300, total=1200, message="Imported 300 of 1,200 images")
    page = read(as_role("viewer").get(f"/imports/{job.pk}/"))
    assert "Imported 300 of 1,200 images" in page
    assert 'aria-valuenow="25"' in page
    assert 'value="cancel"' not in page
    listed = read(as_role("viewer").get("/imports/"))
    assert "Imported 300 of 1,200 images" in listed and 'aria-valuenow="25"' in listed


def test_what_has_ended_meanwhile_cannot_be_cancelled_and_says_so(as_role: As) -> None:
    job = ImportJobFactory(state=Job.State.SUCCEEDED)
    page = read(as_role().post(f"/imports/{job.pk}/", {"action": "cancel"}, follow=True))
    assert "has ended (succeeded): there is nothing to cancel." in page


def test_only_a_finished_check_is_imported(as_role: As) -> None:
    job = ImportJobFactory()
    page = read(as_role().post(f"/imports/{job.pk}/", {"action": "import"}, follow=True))
    assert "is no finished check. Wait for it, then import." in page
    assert ImportJob.objects.count() == 1


def test_the_list_tells_what_came_of_each_job(as_role: As) -> None:
    client = as_role()
    act(client, checked(client, mixed(), slug="fresh"), "import")
    run_import(ImportJob.objects.latest("pk").pk)
    ImportJobFactory(state=Job.State.FAILED, error_code="unknown_label", error="why", dataset_slug="lost")
    page = re.sub(r"<[^>]+>", " ", read(client.get("/imports/?dataset=fresh")))
    assert "3 to store, 1 missing, 1 refused" in page
    assert "3 stored, 1 missing, 1 refused" in page
    assert "unknown_label" in page and re.search(r"lost\s+new", page)
    with CaptureQueriesContext(connection) as asked:
        client.get("/imports/?dataset=fresh")
    assert not [query for query in asked.captured_queries if '"entries"' in query["sql"]]


def test_a_page_of_the_list_leads_to_older_jobs(as_role: As) -> None:
    oldest = ImportJobFactory(archive_name="oldest.zip")
    ImportJobFactory.create_batch(50)
    client = as_role()
    page = read(client.get("/imports/"))
    assert "oldest.zip" not in page
    assert f"before={oldest.pk + 1}" in page
    assert "oldest.zip" in read(client.get(f"/imports/?before={oldest.pk + 1}"))


@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_who_may_not_import_may_watch(as_role: As, data_dir: Path, role: str) -> None:
    curator, client = as_role("curator"), as_role(role)
    check = checked(curator, mixed(), slug="fresh")
    page = read(client.get("/imports/"))
    assert "panels.zip" in page
    assert 'type="file"' not in page
    page = read(client.get(f"/imports/{check.pk}/"))
    assert "A curator can import it." in page and 'name="action"' not in page
    assert send(client, mixed(), slug="other").status_code == 403
    for action in ("import", "cancel", "retry"):
        assert act(client, check, action).status_code == 403
    assert ImportJob.objects.count() == 1
    assert len(kept_archives(data_dir)) == 1


def test_single_images_are_sent_to_the_dataset_in_use_with_its_classes(as_role: As) -> None:
    ImageFactory(dataset=DatasetFactory(slug="panels", name="Panels"), paper=None)
    page = read(as_role().get("/imports/?dataset=panels"))
    assert "Single images into Panels" in page
    assert 'data-dataset="panels"' in page and 'data-source="/api/v1/images/"' in page
    assert "<option>BlotGel</option>" in page
    assert "Single images" not in read(as_role("annotator").get("/imports/?dataset=panels"))


def test_there_is_no_page_of_an_import_that_is_not(as_role: As) -> None:
    assert as_role().get("/imports/99/").status_code == 404
