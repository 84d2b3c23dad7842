"""The key with which the stand-in signs id tokens and push tokens, published as Google publishes its own."""

import base64
import sqlite3
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from flask import Blueprint, Response, current_app, jsonify
from google.auth import crypt, jwt

from server.sandbox.stand_in.store import get_store

ISSUER = "https://accounts.google.com"
CERTIFICATE_DAYS = 3650
CACHE_SECONDS = 3600

bp = Blueprint("keys", __name__)


def ensure_key(db: sqlite3.Connection) -> None:
    """Make the signing key where the store has none."""
    if db.execute("SELECT 1 FROM setting WHERE name = 'private_key'").fetchone():
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gmail-stand-in.invalid")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    since = datetime.now(UTC) - timedelta(days=1)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(since).not_valid_after(since + timedelta(days=CERTIFICATE_DAYS))
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    rows = {
        "private_key": private.decode(),
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "key_id": certificate.fingerprint(hashes.SHA1()).hex(),  # noqa: S303 - a name, as Google names its keys
    }
    db.executemany("INSERT INTO setting VALUES (?, ?)", rows.items())


def _read(db: sqlite3.Connection, name: str) -> str:
    return str(db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()["value"])


def sign(db: sqlite3.Connection, claims: Mapping[str, object], lifetime_seconds: int) -> str:
    """Return a JWT of Google's issuer with these claims, signed RS256."""
    signer = crypt.RSASigner.from_string(_read(db, "private_key"), _read(db, "key_id"))
    issued = int(time.time())
    payload = {"iss": ISSUER, "iat": issued, "exp": issued + lifetime_seconds, **claims}
    token: bytes = jwt.encode(signer, payload)
    return token.decode()


@bp.get("/oauth2/v1/certs")
def certificates() -> Response:
    """Answer the certificates by key id."""
    with get_store().reading() as db:
        return _cached(jsonify({_read(db, "key_id"): _read(db, "certificate")}))


@bp.get("/oauth2/v3/certs")
def key_set() -> Response:
    """Answer the keys as a JSON Web Key Set (RFC 7517)."""
    with get_store().reading() as db:
        key = x509.load_pem_x509_certificate(_read(db, "certificate").encode()).public_key()
        key_id = _read(db, "key_id")
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("the stand-in signs with RSA")
    numbers = key.public_numbers()
    shown = {
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "kid": key_id,
        "n": _number(numbers.n),
        "e": _number(numbers.e),
    }
    return _cached(jsonify(keys=[shown]))


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).decode().rstrip("=")


def _cached(response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={CACHE_SECONDS}, must-revalidate, no-transform"
    return response


@bp.get("/.well-known/openid-configuration")
def configuration() -> Response:
    """Answer OpenID Connect's discovery document for this stand-in."""
    root = current_app.config["SETTINGS"].stand_in_url
    described: dict[str, Any] = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{root}/o/oauth2/auth",
        "token_endpoint": f"{root}/token",
        "revocation_endpoint": f"{root}/revoke",
        "userinfo_endpoint": f"{root}/oauth2/v3/userinfo",
        "jwks_uri": f"{root}/oauth2/v3/certs",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
    }
    return jsonify(described)
