"""Scores in words and tables, for commands."""

from dataclasses import astuple
from typing import Any

from classifier.cautions import cautions
from classifier.comparison import Comparison
from classifier.models import Evaluation
from classifier.verdict import judge


def told_evaluation(evaluation: Evaluation) -> list[str]:
    """Return an evaluation as lines: scores, why they may be too good, the matrix, a line a class."""
    lines = [
        f"{evaluation.version} on {evaluation.split} {evaluation.subset} ({evaluation.total:,} images, "
        f"labels of {evaluation.label_cutoff:%Y-%m-%d %H:%M:%S} UTC): macro-F1 {evaluation.macro_f1:.3f}"
        f"{in_brackets(evaluation.intervals.get('macro_f1'))}, accuracy {evaluation.accuracy:.3f}"
    ]
    lines += _warnings(cautions(evaluation.version, evaluation.split, evaluation.subset))
    if evaluation.unreadable:
        lines.append(f"{evaluation.unreadable:,} images are left out: their file cannot be read")
    lines += told_matrix(evaluation.matrix, evaluation.classes)
    lines += told_classes(evaluation.per_class)
    return lines


def told_matrix(matrix: list[list[int]], classes: list[str], *, signed: bool = False) -> list[str]:
    """Return a matrix as a table, a row an actual class, a column a predicted one."""
    width = max(8, *(len(name) for name in classes)) + 1
    lines = [f"{'actual / predicted':<20}" + "".join(f"{name:>{width}}" for name in classes)]
    for name, row in zip(classes, matrix, strict=True):
        numbers = (f"{number:+,}" if signed and number else f"{number:,}" for number in row)
        lines.append(f"{name:<20}" + "".join(f"{number:>{width}}" for number in numbers))
    return lines


def told_classes(per_class: list[dict[str, Any]]) -> list[str]:
    """Return the scores of each class as a table; `-` where a score is undefined."""
    lines = [f"{'':<20}{'precision':>11}{'recall':>9}{'F1':>9}{'images':>9}"]
    for scores in per_class:
        numbers = [_figure(scores[key]) for key in ("precision", "recall", "f1")]
        lines.append(
            f"{scores['name']:<20}{numbers[0]:>11}{numbers[1]:>9}{numbers[2]:>9}{scores['support']:>9,}"
        )
    return lines


def told_comparison(comparison: Comparison) -> list[str]:
    """Return a comparison as lines: scores side by side, then each later version against the first."""
    lines = [
        f"{comparison.split} {comparison.subset}, {comparison.total:,} images, {comparison.papers:,} papers, "
        "labels of now"
    ]
    lines += _warnings(comparison.cautions)
    if comparison.left_out:
        lines.append(f"{comparison.left_out:,} images are left out: none of the models has classified them")
    lines.append(f"{'':<24}{'macro-F1':>10}{'95 %':>18}{'accuracy':>10}")
    for version, scores, told in zip(
        comparison.versions, comparison.scores, comparison.intervals, strict=True
    ):
        between = _between(told.get("macro_f1"))
        lines.append(f"{version!s:<24}{scores.macro_f1:>10.3f}{between:>18}{scores.accuracy:>10.3f}")
    first = comparison.versions[0]
    for version, pair in zip(comparison.versions[1:], comparison.paired, strict=True):
        lines.append("")
        lines += astuple(judge(comparison, pair))
        lines.append(
            f"{version} against {first}: {len(pair.fixed):,} images fixed, {len(pair.broken):,} broken, "
            f"{len(pair.both_wrong):,} wrong in both; they say the same of {100 * pair.agreement:.1f} %"
        )
        lines += told_matrix(pair.difference, comparison.classes, signed=True)
    return lines


def _between(ends: list[float] | None) -> str:
    return f"{ends[0]:.3f} to {ends[1]:.3f}" if ends else "-"


def in_brackets(ends: list[float] | None) -> str:
    """Return an interval to stand behind its score; nothing where there is none."""
    return f" (95 % {_between(ends)})" if ends else ""


def _warnings(sentences: list[str]) -> list[str]:
    return [f"Warning: {sentence}" for sentence in sentences]


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
