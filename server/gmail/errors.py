"""How a call to Google can fail, in Warmline's words. Messages are safe to show: no token, no mail content."""

from server.errors import ForeignFailure


class GmailFailure(ForeignFailure):
    """Google did not do what was asked. `in_doubt`: the call may have taken effect although no success was seen."""

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        in_doubt: bool = False,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message, permanent=permanent, retry_after_seconds=retry_after_seconds)
        self.in_doubt = in_doubt


class NotFound(GmailFailure):
    """The draft, mail or thread named in the call is not (or no longer) in the mailbox."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class HistoryExpired(GmailFailure):
    """The cursor is older than what Gmail remembers; only a backfill can go on from here."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class TokenRevoked(GmailFailure):
    """The member or Google withdrew the refresh token; only linking again helps."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class RateLimited(GmailFailure):
    """A quota is used up. Google did nothing; `retry_after_seconds` is its advice where it gave one."""

    def __init__(self, message: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
