"""The ways a verb says no; server/error_pages.py shows them where the action was."""


class Refused(Exception):
    """What the caller asked cannot be done as asked; the message names the thing, the value and the way out.

    `status` is the HTTP status the edge answers with, `field` the form field or JSON member at fault.
    """

    def __init__(self, message: str, *, status: int = 422, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.field = field


class Invalid(Refused):
    """Several fields, parameters or headers are wrong at once: `errors` holds (where, what is wrong) for each."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {message}" if field else message for field, message in errors))
        self.errors = errors


class ForeignFailure(Exception):
    """A service outside Warmline failed. `permanent` is the one policy bit: True means trying again cannot help."""

    def __init__(self, message: str, *, permanent: bool, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.retry_after_seconds = retry_after_seconds


class Unreadable(Exception):
    """Something from outside cannot be parsed; `reason` says why without quoting it, and it is set aside."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
