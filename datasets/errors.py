"""The root of every refusal that a person may see."""


class Refused(Exception):
    """Something was not done. The text says what happened and what to do; `code` names it for programs."""

    code: str = "refused"
    status: int = 400

    def __init__(
        self, text: str, *, code: str | None = None, fields: dict[str, list[str]] | None = None
    ) -> None:
        super().__init__(text)
        if code is not None:
            self.code = code
        self.fields = fields
