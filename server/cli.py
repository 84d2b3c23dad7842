"""The `warmline` command: everything an operator does from a shell."""

import fcntl
import os
import signal
import sys
from pathlib import Path

import click
from flask import Flask
from flask.cli import FlaskGroup
from pydantic import ValidationError

from server import permissions
from server.accounts import cli as accounts
from server.backup import cli as backups
from server.config import Settings, load_settings
from server.consent import cli as consent
from server.doctor import doctor
from server.errors import Refused
from server.events import cli as events
from server.keys import Keyring
from server.migrate import upgrade
from server.sandbox import cli as sandbox
from server.supervisor import Supervisor, make_programs


def _create_app() -> Flask:
    from server.app import create_app

    return create_app(_load_settings())


@click.group(cls=FlaskGroup, create_app=_create_app, add_default_commands=False, load_dotenv=False)
def main() -> None:
    """Warmline: a self-hosted Live Feed for people who sell by email from Gmail."""


for command in (
    accounts.tokens,
    accounts.members,
    consent.persons,
    sandbox.demo_info,
    events.verdicts,
    permissions.show,
    doctor,
    backups.backup,
    backups.restore_command,
):
    main.add_command(command)


@main.command(with_appcontext=False)
def run() -> None:
    """Migrate, start every process, and keep them running until Ctrl-C or SIGTERM."""
    settings = _load_settings()
    settings.warmline_home.mkdir(parents=True, exist_ok=True)
    lock = (settings.warmline_home / "run.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"Warmline already runs in {settings.warmline_home}. Stop it, or set WARMLINE_HOME to another folder.")
    supervisor = Supervisor(settings, make_programs(settings))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.ask_to_stop())
    try:
        if settings.ship_to:
            Keyring.load(settings)
        else:
            upgrade(settings.database_url)
        supervisor.start()
        if not supervisor.stopping:
            _welcome(settings)
            supervisor.watch()
    except Refused as error:
        sys.exit(error.message)
    finally:
        supervisor.stop()


@main.command(with_appcontext=False)
@click.argument("name")
def process(name: str) -> None:
    """Be one of the processes that `warmline run` would start: `edge`, `web`, `worker-mail-0` and so on.

    For systemd, containers and other machines. It does not migrate: run `warmline migrate` first.
    """
    settings = _load_settings()
    settings.warmline_home.mkdir(parents=True, exist_ok=True)
    commands = {program.name: program.command for program in make_programs(settings)}
    if name not in commands:
        sys.exit(f"With these settings there is no process {name!r}, only {', '.join(commands)}.")
    os.chdir(Path(__file__).parent.parent)
    os.execv(commands[name][0], commands[name])  # noqa: S606 - our own program, without a shell


@main.command(with_appcontext=False)
def migrate() -> None:
    """Bring the database to the newest schema."""
    settings = _load_settings()
    settings.warmline_home.mkdir(parents=True, exist_ok=True)
    try:
        upgrade(settings.database_url)
    except Refused as error:
        sys.exit(error.message)


def _welcome(settings: Settings) -> None:
    if settings.ship_to:
        print(
            f"Warmline's edge is ready at {settings.edge_base_url}; its journal goes to {settings.ship_to}", flush=True
        )
        return
    from server.accounts.setup import find_or_make_setup_link
    from server.base import create_base_app
    from server.db import get_db
    from server.sandbox.demo import ensure_demo

    with create_base_app(settings).app_context(), get_db().session() as session:
        if settings.uses_stand_in:
            ensure_demo(session)
        link = find_or_make_setup_link(session, settings)
        session.commit()
    if link:
        print(f"Set up your workspace and its first admin with this link (it works once): {link}")
    print(f"Warmline is ready at {settings.base_url}", flush=True)


def _load_settings() -> Settings:
    try:
        return load_settings()
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, fault['loc'])).upper() or 'Settings'}: {fault['msg']}" for fault in error.errors()
        ]
        sys.exit("\n".join(lines))
