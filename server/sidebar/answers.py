"""How this room says no to the extension (docs/extension-api.md): a code for programs, a sentence, and the way out."""

from server.errors import Refused


class Declined(Refused):
    """A refusal with its `code` and `fix`."""

    def __init__(self, code: str, message: str, fix: str = "", *, status: int = 422, field: str | None = None) -> None:
        super().__init__(message, status=status, field=field)
        self.code = code
        self.fix = fix
