"""docs/deploy.md and deploy/ are true: each process, unit, command, setting and address that they name exists."""

import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from server.cli import main
from server.clock import now
from server.config import Settings
from server.edge import _create_pages
from server.keys import Keyring
from server.supervisor import make_programs

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
GUIDE = (ROOT / "docs" / "deploy.md").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OF_COMPOSE = {"POSTGRES_PASSWORD"}


def read_env(name: str) -> dict[str, str]:
    """Return the variables of an example of /etc/warmline/env."""
    lines = (DEPLOY / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def list_processes(name: str) -> set[str]:
    """Return the processes that such a machine runs."""
    fields = {key.lower(): value for key, value in read_env(name).items()}
    return {program.name for program in make_programs(Settings(_env_file=None, **fields))}  # type: ignore[arg-type, call-arg]


@pytest.mark.parametrize("name", ["env.example", "env.edge.example"])
def test_the_examples_are_valid_settings_and_nothing_else(name: str) -> None:
    assert {key.lower() for key in read_env(name)} <= set(Settings.model_fields)
    assert list_processes(name)


@pytest.mark.parametrize(
    ("target", "env"), [("warmline.target", "env.example"), ("warmline-edge.target", "env.edge.example")]
)
def test_each_process_has_its_unit(target: str, env: str) -> None:
    wanted = re.findall(r"warmline@([a-z0-9-]+)\.service", (DEPLOY / "systemd" / target).read_text())
    assert sorted(wanted) == sorted(list_processes(env))


def test_each_process_has_its_container() -> None:
    commands = [one["command"] for one in COMPOSE["services"].values() if one.get("image") == "warmline"]
    assert {command[1] for command in commands if command[0] == "process"} == list_processes("env.example")
    settings = COMPOSE["x-warmline"]["environment"]
    assert {key.lower() for key in settings} <= set(Settings.model_fields)
    asked = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text()))
    assert asked - OF_COMPOSE <= set(settings)


def test_every_process_stands_in_the_guide() -> None:
    fields = {"gmail_notifications": "pull", "google_client_id": ""}
    everything = make_programs(Settings(_env_file=None, **fields))  # type: ignore[arg-type, call-arg]
    names = {re.sub(r"-\d+$", "", program.name) for program in everything} | list_processes("env.edge.example")
    assert [name for name in sorted(names) if f"`{name}" not in GUIDE] == []


def test_every_file_of_deploy_stands_in_the_guide_and_the_other_way_round() -> None:
    files = {path.name for path in (*DEPLOY.iterdir(), *UNITS) if path.is_file() and path.suffix != ".dockerignore"}
    assert [name for name in sorted(files) if name not in GUIDE] == []
    named = set(re.findall(r"deploy/([\w./@-]*\w)", GUIDE))
    assert [name for name in sorted(named) if not (DEPLOY / name).exists() and name != ".env"] == []


def test_a_process_that_these_settings_do_not_have_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WARMLINE_HOME", str(tmp_path))
    monkeypatch.setenv("SHIP_TO", "https://warmline.example")
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(main, ["process", "worker-hits"])
    assert (answer.exit_code, "only edge, ship" in answer.output) == (1, True)


@pytest.mark.parametrize("unit", [path for path in UNITS if path.suffix == ".service"], ids=lambda path: path.name)
def test_each_unit_starts_a_command_that_exists_and_is_locked_in(unit: Path) -> None:
    text = unit.read_text()
    command = re.search(r"^ExecStart=.*?/bin/warmline ([a-z]+)", text, re.MULTILINE)
    assert command is not None
    assert command[1] in main.commands
    for line in (
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "User=warmline",
        "UMask=0077",
        "StateDirectory=warmline",
    ):
        assert f"\n{line}\n" in text


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    for unit in UNITS:
        text = unit.read_text().replace("/opt/warmline/.venv/bin/warmline", sys.executable)
        (tmp_path / unit.name).write_text(text)
    if verify is None:
        assert UNITS
        return
    instances = [f"warmline@{name}.service" for name in ("web", "edge")]
    names = [*instances, *(unit.name for unit in UNITS if unit.suffix in (".service", ".timer", ".target"))]
    wanted = [str(tmp_path / name) for name in names if "@." not in name]
    run = subprocess.run([verify, "verify", "--man=no", *wanted], capture_output=True, text=True, check=False)
    wrong = [line for line in (run.stdout + run.stderr).splitlines() if "warmline" in line]
    assert wrong == []


@pytest.mark.parametrize("name", ["nginx.conf", "nginx-edge.conf"])
def test_nginx_understands_its_configuration(name: str, tmp_path: Path) -> None:
    text = (DEPLOY / name).read_text()
    assert text.count("{") == text.count("}")
    nginx = shutil.which("nginx")
    if nginx is None:
        return
    _make_certificate(tmp_path)
    text = text.replace("/etc/ssl/warmline", str(tmp_path)).replace("listen 80;", "listen 127.0.0.1:18080;")
    text = text.replace("listen 443 ssl http2;", "listen 127.0.0.1:18443 ssl;")
    text = text.replace("/etc/ssl/certs/ca-certificates.crt", str(tmp_path / "fullchain.pem"))
    (tmp_path / "site.conf").write_text(text)
    whole = (
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; include {tmp_path}/site.conf; }}"
    )
    (tmp_path / "nginx.conf").write_text(whole)
    run = subprocess.run([nginx, "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf"], capture_output=True, text=True,
                         check=False)  # fmt: skip
    assert run.returncode == 0, run.stderr


def _make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "warmline.example")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = builder.not_valid_before(now()).not_valid_after(now() + timedelta(days=1)).sign(key, hashes.SHA256())
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*form))


def test_an_edge_alone_keeps_every_address_that_needs_no_database_and_passes_the_others_on(tmp_path: Path) -> None:
    """What nginx-edge.conf answers itself must work there; any other page goes to the machine with everything."""
    settings = Settings(_env_file=None, warmline_home=tmp_path, database_url="postgresql://127.0.0.1:9/none")  # type: ignore[call-arg]
    pages: Flask = _create_pages(settings, Keyring({1: b"x" * 32}))
    config = (DEPLOY / "nginx-edge.conf").read_text()
    kept = [re.compile(pattern) for pattern in re.findall(r"location ~ (\S+) \{ proxy_pass http://127", config)]
    assert len(kept) == 2
    for path in ("/o/s/t.gif", "/c/s/t", "/w/k"):  # of the hot path
        assert any(pattern.match(path) for pattern in kept)
    client, answered = pages.test_client(), set()
    for rule in pages.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        if any(pattern.match(path) for pattern in kept):
            answered.add(client.get(path).status_code)
    assert answered <= {200, 404}


def test_a_page_on_an_edge_without_a_database_says_so(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, warmline_home=tmp_path, database_url=f"sqlite:///{tmp_path}/none.sqlite")  # type: ignore[call-arg]
    pages = _create_pages(settings, Keyring({1: b"x" * 32}))
    answer = pages.test_client().get("/legal")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
