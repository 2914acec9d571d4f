"""Classify files, no server needed."""

import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.core.management.base import CommandError, CommandParser

from classifier.classifying import MOST_FILES, any_classified, classify_files
from classifier.given_files import bytes_of, files_given
from datasets.management.output import JsonCommand

_WIDEST = 60


class Command(JsonCommand):
    """`classify FILE... [--model MODEL] [--top N]`."""

    help = "Say of image files, and of those in folders, what a model takes them for."

    def add_options(self, parser: CommandParser) -> None:
        """Add files, model, top."""
        parser.add_argument("files", metavar="FILE", nargs="+", help="an image, or a folder of images")
        parser.add_argument("--model", metavar="MODEL", help="an id, name@version, or an alias")
        parser.add_argument("--top", type=int, help="only the N most probable classes")

    def run(self, **options: Any) -> dict[str, Any]:
        """Classify and tell a line a file; exit 1 where no file could be classified."""
        names, others = files_given(options["files"])
        width = min(_WIDEST, max(map(len, names)))
        answer: dict[str, Any] = {}
        model = options["model"]
        for start in range(0, len(names), MOST_FILES):
            piece = [(name, partial(bytes_of, name)) for name in names[start : start + MOST_FILES]]
            told = classify_files(piece, model=model, top=options["top"])
            if not answer:
                answer = {**told, "results": []}
                # An alias that moves meanwhile changes nothing of this answer.
                model = told["model"]["id"]
                self._say_head(told, width)
            for result in told["results"]:
                self._say_result(result, width)
            answer["results"] += told["results"]
            if len(names) > MOST_FILES:
                self.progress(len(answer["results"]), len(names))
        self.say(summary(answer["results"], others=others))
        if not any_classified(answer):
            # Under --json the errors are the answer, as in REST.
            if self._quiet:
                self.stdout.write(json.dumps(answer, ensure_ascii=False))
            reason = answer["results"][0]["error"]["detail"]
            raise CommandError(f"None of the files could be classified. {names[0]}: {reason}")
        return answer

    def _say_head(self, answer: dict[str, Any], width: int) -> None:
        model, below = answer["model"], answer["abstain_below"]
        doubts = "" if below is None else f", which abstains below {below:g}"
        self.say(f"By {model['name']}@{model['version']}{doubts}:")
        self.say(f"{'file':{width}}  {'class':16}  confidence  next")

    def _say_result(self, result: dict[str, Any], width: int) -> None:
        """Say a line of the table, or on stderr why there is none."""
        if "error" in result:
            self.warn(f"{result['file']}: {result['error']['detail']}")
            return
        line = f"{result['file']:{width}}  {result['label']:16}  {result['confidence']:10.3f}"
        line += f"  {_second(result)}"
        if result["calibrated_confidence"] is not None:
            line += f"  calibrated {result['calibrated_confidence']:.3f}"
        self.say(f"{line}  abstains" if result["abstained"] else line.rstrip())


def summary(results: Sequence[dict[str, Any]], *, others: int) -> str:
    """Say how many files there were, and how many of each class; the most frequent first."""
    counts = Counter(result["label"] for result in results if "error" not in result)
    abstained = sum(bool(result.get("abstained")) for result in results)
    refused = len(results) - counts.total()
    told = [f"{count} {label}" for label, count in counts.most_common()]
    told += [f"{count} {what}" for count, what in ((abstained, "abstained"), (refused, "refused")) if count]
    left_out = f" Left out of the folders: {_files(others)} of another kind." if others else ""
    return f"{_files(len(results))}: {', '.join(told)}.{left_out}"


def _files(count: int) -> str:
    return f"{count:,} file" if count == 1 else f"{count:,} files"


def _second(result: dict[str, Any]) -> str:
    """Return the second most probable class and its probability; empty where only one is told."""
    said = sorted(result["probabilities"].items(), key=lambda pair: -pair[1])
    return f"{said[1][0]} {said[1][1]:.3f}" if len(said) > 1 else ""
