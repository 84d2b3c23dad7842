"""A traceback in the log names places, never the values in them."""

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from server import logs


def test_traceback_shows_no_values(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    secret = "s3cret" + "-token"
    try:
        session.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": secret})
    except SQLAlchemyError:
        structlog.get_logger().exception("unexpected error")
    said = capsys.readouterr().out
    assert "test_logs.py" in said and "nowhere" in said
    assert secret not in said
