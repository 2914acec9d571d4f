"""Names of files without a paper: apart where they collide, and those they stand under already."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from datasets.importing.summary import Entry
from datasets.models import Image, Label
from datasets.store import digest


@dataclass(frozen=True)
class Found:
    """A file, the folders it was found under, and what they say."""

    entry: Entry
    subset: str
    folder: str

    @property
    def names(self) -> tuple[str, str, str]:
        """What it can be called: its name, the class before it, the subset before that."""
        by_class = _joined(self.folder, self.entry.file_name)
        return self.entry.file_name, by_class, _joined(self.subset, by_class)


@dataclass(frozen=True)
class Standing:
    """A stored image without a paper, and the class that an import gave it last."""

    sha256: str
    byte_size: int
    label: str | None


def standing_without_paper(slug: str) -> dict[str, Standing]:
    """Return what a dataset holds without a paper, by file name."""
    images = Image.objects.filter(dataset__slug=slug, paper=None)
    said = Label.objects.filter(image__in=images, source=Label.Source.IMPORTED).order_by("version")
    labels = dict(said.values_list("image", "label_class__name"))
    rows = images.values_list("pk", "file_name", "sha256", "byte_size")
    return {name: Standing(sha256, size, labels.get(pk)) for pk, name, sha256, size in rows.iterator()}


def named_apart(found: Sequence[Found], standing: Mapping[str, Standing]) -> list[Entry]:
    """Return the entries, each file without a paper under a name of its own.

    Where names collide, the class is put before them, and the subset where that is not enough. But a file
    that stands under another of its names keeps that one: a second import finds it there again.
    """
    loose = {place: each for place, each in enumerate(found) if each.entry.paper is None}
    plainly = Counter(each.entry.file_name for each in loose.values())
    by_class = Counter((each.folder, each.entry.file_name) for each in loose.values())
    chosen = {}
    for place, each in loose.items():
        name = each.entry.file_name
        chosen[place] = each.names[(plainly[name] > 1) + (by_class[each.folder, name] > 1)]
    kept = _kept(loose, chosen, standing)
    # First, because no other file of their name is taken after them.
    order = sorted(range(len(found)), key=lambda place: place not in kept)
    names = chosen | kept
    return [
        replace(found[place].entry, file_name=names.get(place, found[place].entry.file_name))
        for place in order
    ]


def _kept(
    found: dict[int, Found], chosen: dict[int, str], standing: Mapping[str, Standing]
) -> dict[int, str]:
    """Return the names that files stand under and would not be called by."""
    claims: dict[str, list[int]] = {}
    for place, name in chosen.items():
        others = [other for other in found[place].names if other != name and other in standing]
        if others and not _is(found[place], standing.get(name)):
            for other in others:
                if _is(found[place], standing[other]):
                    claims.setdefault(other, []).append(place)
    for place, name in chosen.items():
        if name in claims and _is(found[place], standing[name]):
            del claims[name]
    # Of several files with the same bytes the one that the image was imported from, by its class.
    return {
        max(places, key=lambda place: found[place].entry.label == standing[name].label): name
        for name, places in claims.items()
    }


def _is(found: Found, image: Standing | None) -> bool:
    """Whether the file holds the bytes of a stored image."""
    path = found.entry.path
    try:
        return (
            image is not None
            and path.stat().st_size == image.byte_size
            and digest(path.read_bytes()) == image.sha256
        )
    except OSError:
        return False


def _joined(*parts: str) -> str:
    return "__".join(part for part in parts if part)
