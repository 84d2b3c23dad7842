"""What the processes write down: one line an event, tracebacks without the values in them.

A frame's locals and a statement's parameters hold tokens and mail; structlog's default shows the former, SQLAlchemy's
the latter (`hide_parameters` in server/db.py).
"""

import logging
import sys

import structlog


def configure(level: str) -> None:
    """Log events of `level` (debug, info, warning, error) and above to standard output."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.dev.set_exc_info,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
    )
