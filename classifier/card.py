"""A version's model card, made from its record: what it is, learnt from, scores, and is not for.

After Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.timezone import localtime

from classifier.abstaining import told_threshold
from classifier.calibrating import standing_calibration
from classifier.card_facts import Images, counted_images, limits, warnings_of
from classifier.exports import files_of
from classifier.models import Evaluation, ModelVersion
from classifier.networks.config import TrainingConfig
from classifier.networks.errors import InvalidConfig
from classifier.quantisation import told_quantised
from datasets.models import Subset

MOST_EVALUATIONS = 10
_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~!])")
_SCORES = (("macro_f1", "macro-F1"), ("balanced_accuracy", "balanced accuracy"), ("accuracy", "accuracy"))
_OF_CLASS = (("precision", "Precision"), ("recall", "Recall"), ("f1", "F1"))


@dataclass(frozen=True)
class Table:
    """Rows under a heading; all cells are texts."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A part of a card: sentences, facts, a table, quoted lines; whatever it has."""

    title: str
    sentences: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    table: Table | None = None
    quoted: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Card:
    """A model card, before it is written as Markdown or shown as a page."""

    title: str
    sections: list[Section]


def card_of(version: ModelVersion) -> Card:
    """Return the card of a version; everything in it is read from its record."""
    evaluations = list(
        Evaluation.objects.filter(version=version).select_related("split__dataset", "version__split__dataset")
    )
    shown = evaluations[:MOST_EVALUATIONS]
    images = counted_images(version)
    sections = [
        _what(version),
        _data(version, images),
        _training(version),
        *(_scores(evaluation) for evaluation in shown),
        *(
            []
            if shown
            else [Section("Scores", ["It has not been evaluated: nothing is known of how good it is."])]
        ),
        _confidence(version),
        Section("Cautions", warnings_of(version, shown) or ["None is known from its record."]),
        Section("Intended use and limits", limits(version, images, shown)),
        _files(version),
        _notes(version),
    ]
    if len(evaluations) > len(shown):
        left = f"{len(evaluations) - len(shown)} older evaluations are left out."
        sections.insert(3 + len(shown), Section("Older scores", [left]))
    return Card(f"Model card of {version}", sections)


def written(card: Card) -> str:
    """Return a card as Markdown; whatever a person or a file said is escaped, so that it stays text."""
    lines = [f"# {_escaped(card.title)}"]
    for section in card.sections:
        lines += ["", f"## {_escaped(section.title)}"]
        if section.sentences:
            mark = "- " if len(section.sentences) > 1 else ""
            lines += ["", *(f"{mark}{_escaped(sentence)}" for sentence in section.sentences)]
        if section.facts:
            lines.append("")
            lines += [f"- **{_escaped(name)}:** {_escaped(value)}" for name, value in section.facts]
        if section.table:
            lines += ["", *_written_table(section.table)]
        if section.quoted:
            lines.append("")
            lines += [f"> {_escaped(line)}".rstrip() for line in section.quoted]
    return "\n".join(lines) + "\n"


def _written_table(table: Table) -> list[str]:
    rows = [[_escaped(cell) for cell in row] for row in (table.head, *table.rows)]
    rule = ["---", *("---:" for _ in table.head[1:])]
    return [f"| {' | '.join(cells)} |" for cells in (rows[0], rule, *rows[1:])]


def _escaped(text: str) -> str:
    """Return a text that Markdown shows as it is: one line, no markup, no HTML."""
    one_line = " ".join(str(text).split())
    plain = one_line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", plain)


def _what(version: ModelVersion) -> Section:
    kind = (
        f"A {version.get_architecture_display()} that gives each image one of {len(version.classes)} classes."
    )
    facts = [
        ("Version", str(version)),
        ("Classes", ", ".join(version.classes)),
        ("Input", f"{version.input_size} x {version.input_size} pixels, {version.geometry}"),
        ("Origin", " ".join(filter(None, [version.get_origin_display().lower(), version.origin_note]))),
        ("Made", f"{_moment(version.created_at)} by {getattr(version.created_by, 'username', 'a command')}"),
        ("Aliases", ", ".join(alias.name for alias in version.aliases.all()) or "none"),
        ("Tags", ", ".join(version.tag_names) or "none"),
    ]
    return Section("What it is", [kind], facts)


def _data(version: ModelVersion, images: Images | None) -> Section:
    split = version.split
    if split is None or images is None:
        return Section("Data", ["It was trained elsewhere: what it learnt from is not recorded here."])
    facts = [
        ("Dataset", split.dataset.slug),
        ("Split", f"{split}, by {split.get_by_display().lower()}, seed {split.seed}"),
        ("Ratios", ":".join(str(part) for part in _ratios(split.ratios)) or "published lists"),
        ("Papers", ", ".join(f"{subset} {images.papers[subset]:,}" for subset in Subset.values)),
        ("Labels of", _moment(version.label_cutoff) if version.label_cutoff else "the split"),
        ("Images learnt from", f"{version.training_images:,}"),
        ("sha256 of what was learnt from", version.training_set_sha256 or "not recorded"),
        ("Licence of the images", "not recorded here; say it in the notes"),
    ]
    rows = [
        [name, *(f"{images.of_class(name, subset):,}" for subset in Subset.values)] for name in images.classes
    ]
    return Section("Data", [], facts, Table(("Class", *Subset.values), rows))


def _ratios(ratios: Any) -> list[Any]:
    return list(ratios.values()) if isinstance(ratios, dict) else list(ratios or [])


def _training(version: ModelVersion) -> Section:
    try:
        config = TrainingConfig.from_dict(version.config).described()
    except InvalidConfig:
        config = {name: value for name, value in version.config.items() if name != "weights"}
    facts = [(name, str(value)) for name, value in config.items()]
    if version.best_epoch:
        score = f", {config.get('best_by', 'score')} {version.best_score:.3f}" if version.best_score else ""
        facts.append(("Best epoch", f"{version.best_epoch}{score}"))
    facts.append(("Code", version.code_version or "not recorded"))
    facts += [(name, str(number)) for name, number in version.libraries.items()]
    return Section("Training recipe", [], facts)


def _scores(evaluation: Evaluation) -> Section:
    intervals = evaluation.intervals
    where = f"{evaluation.total:,} images, labels of {_moment(evaluation.label_cutoff)}."
    told = [where, *_how(intervals)]
    facts = [(name, _figure(getattr(evaluation, key), intervals.get(key))) for key, name in _SCORES]
    of_classes = intervals.get("per_class") or {}
    rows = [
        [
            row["name"],
            *(_figure(row[key], (of_classes.get(row["name"]) or {}).get(key)) for key, _ in _OF_CLASS),
            f"{row['support']:,}",
        ]
        for row in evaluation.per_class
    ]
    head = ("Class", *(name for _, name in _OF_CLASS), "Images")
    return Section(f"Scores on {evaluation.split} {evaluation.subset}", told, facts, Table(head, rows))


def _confidence(version: ModelVersion) -> Section:
    """Say how far its confidence can be believed, and below which it does not stand by an answer."""
    calibration, threshold = standing_calibration(version), version.thresholds.first()
    facts = [("Threshold", f"it {told_threshold(version.abstain_below)}")]
    if threshold is not None:
        who = getattr(threshold.author, "username", "a command")
        facts.append(("Chosen", f"{_moment(threshold.created_at)} by {who}: {threshold.reason}"))
    if calibration is None:
        told = "It has no temperature: how far its confidence can be believed was not measured."
        return Section("Confidence", [told], facts)
    fitted_on = f"{calibration.images:,} images of {calibration.papers:,} papers of {calibration.split}"
    facts += [
        ("Temperature", f"{calibration.temperature:.3f}, fitted on {fitted_on} {calibration.subset}"),
        ("Expected calibration error there", f"{calibration.ece_before:.3f} without it"),
        ("With it, on the images it was fitted on", f"{calibration.ece_after:.3f}"),
    ]
    return Section("Confidence", [], facts)


def _how(intervals: dict[str, Any]) -> list[str]:
    """Say what the intervals are, where there are any."""
    if not intervals:
        return []
    level = f"{100 * intervals.get('level', 0.95):g} %"
    drawn = f", {intervals['replicates']:,} replicates" if intervals.get("replicates") else ""
    return [f"In brackets: {level} intervals ({intervals.get('method', 'method not recorded')}{drawn})."]


def _figure(value: float | None, interval: Sequence[float | None] | None = None) -> str:
    """Return a score with its interval, where it has one; a dash where it is not defined."""
    if value is None:
        return "-"
    if not interval or any(end is None for end in interval):
        return f"{value:.3f}"
    return f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"


def _files(version: ModelVersion) -> Section:
    rows = [
        [
            file.name,
            f"{file.byte_size:,}" if file.byte_size is not None else "missing",
            "-" if file.parity is None else f"{file.parity:.1e}",
            file.sha256,
        ]
        for file in files_of(version)
    ]
    told = "Parity: the largest difference of a probability from the trained network, on sample images."
    answers = [told_quantised(version.int8)] if version.int8 else []
    return Section("Files", [told, *answers], [], Table(("Form", "Bytes", "Parity", "sha256"), rows))


def _notes(version: ModelVersion) -> Section:
    if not version.notes:
        return Section("Notes", ["Nobody has written any."])
    who = getattr(version.noted_by, "username", None)
    when = f", {_moment(version.noted_at)}" if version.noted_at else ""
    told = [f"By {who}{when}."] if who else []
    return Section("Notes", told, quoted=version.notes.splitlines())


def _moment(moment: Any) -> str:
    return f"{localtime(moment):%Y-%m-%d %H:%M} UTC"
