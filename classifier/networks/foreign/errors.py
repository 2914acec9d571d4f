"""Why a file trained elsewhere is not taken; imports nothing, so that any process may catch it."""

from classifier.networks.errors import NetworkError


class ForeignRefused(NetworkError):
    """A file cannot become a version; the text says what does not fit, `code` names it."""

    def __init__(self, text: str, *, code: str) -> None:
        self.code = code
        super().__init__(text)


def damaged(what: str) -> ForeignRefused:
    """Return the refusal of a file that cannot be read."""
    return ForeignRefused(
        f"The file is damaged or cut off: {what}. Save or copy it again.", code="damaged_file"
    )
