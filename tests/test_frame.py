"""The platform itself: the app starts on both databases, and says so."""

from flask.testing import FlaskClient


def test_app_is_ready_on_an_empty_database(client: FlaskClient) -> None:
    assert client.get("/readyz").json == {"status": "ready"}
    assert client.get("/healthz").status_code == 200
