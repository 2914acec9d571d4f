"""Ids as they stand in addresses."""


def read_id(text: str) -> int | None:
    """Return the id that a text is: up to 18 digits, which every database takes; None where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
