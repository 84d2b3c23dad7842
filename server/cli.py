"""The `warmline` command: everything an operator does from a shell."""

import click
from flask import Flask
from flask.cli import FlaskGroup


def init_app(app: Flask) -> None:
    """Add the rooms' commands to `app`."""


def _create_app() -> Flask:
    from server.app import create_app

    return create_app()


@click.group(cls=FlaskGroup, create_app=_create_app, add_default_commands=False)
def main() -> None:
    """Warmline: a self-hosted Live Feed for people who sell by email from Gmail."""
