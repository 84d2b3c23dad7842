"""Keys: what one purpose signs or seals, no other opens; old versions still open what they closed."""

import base64
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from server.config import Settings
from server.errors import Refused
from server.keys import Keyring, hash_token, make_token

OLD, NEW = b"o" * 32, b"n" * 32
KEYS = Keyring({1: OLD})


def load(home: Path, keys: str = "") -> Keyring:
    """Return the keys of an installation in `home`."""
    return Keyring.load(Settings(_env_file=None, warmline_home=home, warmline_keys=keys))  # type: ignore[call-arg]


@given(st.binary(max_size=200))
def test_what_is_signed_verifies(payload: bytes) -> None:
    assert KEYS.verify("pixel", KEYS.sign("pixel", payload)) == payload


def test_another_purpose_does_not_verify() -> None:
    assert KEYS.verify("link", KEYS.sign("pixel", b"payload")) is None


def test_no_altered_byte_verifies() -> None:
    signed = KEYS.sign("pixel", b"payload")
    for index in range(len(signed)):
        altered = signed[:index] + bytes([signed[index] ^ 1]) + signed[index + 1 :]
        assert KEYS.verify("pixel", altered) is None
    for short in (b"", signed[:16], signed[:-1]):
        assert KEYS.verify("pixel", short) is None


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_what_is_sealed_opens_for_its_row_only(secret: str) -> None:
    sealed = KEYS.seal("refresh-token", secret, bound_to="mailbox:1")
    assert KEYS.unseal("refresh-token", sealed, bound_to="mailbox:1") == secret
    with pytest.raises(InvalidTag):
        KEYS.unseal("refresh-token", sealed, bound_to="mailbox:2")
    with pytest.raises(InvalidTag):
        KEYS.unseal("another purpose", sealed, bound_to="mailbox:1")


def test_the_same_secret_never_looks_the_same_twice() -> None:
    assert KEYS.seal("refresh-token", "secret", "1") != KEYS.seal("refresh-token", "secret", "1")


def test_after_a_rotation_old_things_open_and_new_ones_use_the_new_key() -> None:
    both, new_only = Keyring({1: OLD, 2: NEW}), Keyring({2: NEW})
    signed, sealed = KEYS.sign("pixel", b"old"), KEYS.seal("refresh-token", "old", "1")
    assert both.verify("pixel", signed) == b"old"
    assert both.unseal("refresh-token", sealed, "1") == "old"
    assert new_only.verify("pixel", signed) is None
    assert not new_only.knows(sealed[0])
    assert new_only.verify("pixel", both.sign("pixel", b"new")) == b"new"


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    first, second = load(tmp_path / "home"), load(tmp_path / "home")
    path = tmp_path / "home" / "keys.json"
    assert first.derive("pixel", 1) == second.derive("pixel", 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["keys.json"]


def test_two_homes_have_different_keys(tmp_path: Path) -> None:
    assert load(tmp_path / "one").derive("pixel", 1) != load(tmp_path / "two").derive("pixel", 1)


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from server.config import Settings; from server.keys import Keyring; "
        "sys.stdin.read(1); "
        "print(Keyring.load(Settings(_env_file=None, warmline_home=Path(sys.argv[1]))).derive('pixel', 1).hex())"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    answers = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert len(answers) == 1
    assert len(answers.pop()) == 64


def test_settings_win_over_the_file(tmp_path: Path) -> None:
    keys = load(tmp_path, f"1:{base64.b64encode(OLD).decode()},7:{base64.b64encode(NEW).decode()}")
    assert keys.current == 7
    assert keys.knows(1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    ["secret", "1:secret", "x:" + base64.b64encode(OLD).decode(), "0:" + base64.b64encode(OLD).decode(), "1:c2hvcnQ="],
)
def test_nonsense_is_refused_without_printing_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="WARMLINE_KEYS") as refusal:
        load(tmp_path, text)
    assert text not in str(refusal.value)


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"1": "c2hvcnQ="}))
    with pytest.raises(ValueError, match=r"keys\.json"):
        load(tmp_path)


def test_tokens_are_long_and_stored_as_a_hash() -> None:
    token = make_token()
    assert len(base64.urlsafe_b64decode(token + "=")) == 32
    assert token not in hash_token(token)
    assert hash_token(token) == hash_token(token) != hash_token(make_token())


def test_an_edge_alone_never_makes_keys_that_nobody_else_has(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, warmline_home=tmp_path, warmline_keys="", ship_to="https://warmline.example")  # type: ignore[call-arg]
    with pytest.raises(Refused, match="WARMLINE_KEYS"):
        Keyring.load(settings)
    assert list(tmp_path.iterdir()) == []
