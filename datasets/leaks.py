"""What the test subset of a split shares with train, counted and in words."""

from collections.abc import Mapping, Sequence

from datasets.models import Split, Subset
from datasets.split_members import Member


def leak_report(assignment: Mapping[int, str], members: Sequence[Member]) -> dict[str, int]:
    """Count the test images that share a paper, a panel group or their exact bytes with train.

    Keys: test_images, papers, panel_groups, exact_bytes (images of test), shared_papers (papers in both).
    """
    train = [member for member in members if assignment.get(member.pk) == Subset.TRAIN]
    test = [member for member in members if assignment.get(member.pk) == Subset.TEST]
    papers = {member.paper_key for member in train}
    groups = {member.group_key for member in train}
    hashes = {member.sha256 for member in train}
    return {
        "test_images": len(test),
        "papers": sum(member.paper_key in papers for member in test),
        "panel_groups": sum(member.group_key in groups for member in test),
        "exact_bytes": sum(member.sha256 in hashes for member in test),
        "shared_papers": len(papers & {member.paper_key for member in test}),
    }


def leak_warnings(report: Mapping[str, int], by: str) -> list[str]:
    """Say what test shares with train."""
    total = report["test_images"]
    warnings = []
    if report["papers"]:
        groups = f", {report['panel_groups']} of them a panel group" if report["panel_groups"] else ""
        warnings.append(
            f"{report['papers']} of {total} test images share a paper with train{groups}: "
            "scores will be too good. Split by paper to measure what a model does on new papers."
        )
    elif by != Split.By.PAPER:
        warnings.append("Papers were not kept whole: scores may be too good.")
    if report["exact_bytes"]:
        warnings.append(f"{report['exact_bytes']} of {total} test images lie byte for byte in train too.")
    return warnings
