"""All settings, each an environment variable of the same name; `.env.example` lists them in this order."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from flask import current_app
from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

STAND_IN_CLIENT_ID = "warmline-stand-in"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """Read from the environment, then from `.env`; a nonsensical value stops the start and names the variable."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    # Where things are
    warmline_home: Path = Path("var")
    host: str = "127.0.0.1"
    port: Port = 8000
    base_url: str = ""
    edge_port: Port = 0
    edge_base_url: str = ""
    stream_port: Port = 0
    stream_base_url: str = ""
    trusted_proxies: int = Field(default=0, ge=0, le=8)
    ship_to: str = ""

    # What holds the data
    database_url: str = ""
    redis_url: str = ""
    warmline_keys: str = ""
    geo_database: Path | None = None

    # How much runs
    web_threads: int = Field(default=8, ge=1, le=128)
    web_workers: int = Field(default=1, ge=1, le=64)
    edge_workers: int = Field(default=1, ge=1, le=64)
    mail_workers: int = Field(default=1, ge=1, le=64)
    document_workers: int = Field(default=1, ge=1, le=16)
    document_max_mb: int = Field(default=50, ge=1, le=500)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    # Google
    google_client_id: str = ""
    google_client_secret: str = ""
    google_app_status: Literal["", "testing", "production"] = ""
    google_auth_uri: str = "https://accounts.google.com/o/oauth2/auth"
    google_token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, not a token
    google_revoke_uri: str = "https://oauth2.googleapis.com/revoke"
    google_certs_url: str = "https://www.googleapis.com/oauth2/v1/certs"
    gmail_api_endpoint: str = ""
    gmail_notifications: Literal["push", "pull", "poll"] = "push"
    gmail_poll_seconds: int = Field(default=60, ge=1, le=3600)
    pubsub_topic: str = ""
    pubsub_subscription: str = ""
    pubsub_audience: str = ""
    pubsub_service_account: str = ""
    pubsub_api_endpoint: str = ""

    # The local Gmail stand-in, used while no Google client is configured
    stand_in_port: Port = 0
    simulated_recipients: bool = True

    @field_validator("base_url", "edge_base_url", "stream_base_url", "gmail_api_endpoint", "pubsub_api_endpoint")
    @classmethod
    def _is_http_url(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc):
            raise ValueError(f"{value!r} is not an http(s) address")
        return value.rstrip("/")

    @field_validator("ship_to")
    @classmethod
    def _is_private(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and not ((parts.netloc and parts.scheme == "https") or parts.hostname in LOOPBACK):
            raise ValueError(f"{value!r} is no https address: hits are personal data")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _fill_in(self) -> "Settings":
        self.warmline_home = self.warmline_home.absolute()
        self.edge_port = self.edge_port or self.port + 1
        self.stream_port = self.stream_port or self.port + 2
        self.stand_in_port = self.stand_in_port or self.port + 3
        local = "127.0.0.1" if self.is_loopback or self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        self.base_url = self.base_url or f"http://{local}:{self.port}"
        self.edge_base_url = self.edge_base_url or f"http://{local}:{self.edge_port}"
        self.stream_base_url = self.stream_base_url or f"http://{local}:{self.stream_port}"
        self.database_url = self.database_url or f"sqlite:///{self.warmline_home / 'warmline.sqlite'}"
        if self.google_client_id and not self.google_client_secret:
            raise ValueError("GOOGLE_CLIENT_ID is set but GOOGLE_CLIENT_SECRET is not")
        if self.uses_stand_in:
            self._point_google_at_the_stand_in()
        return self

    def _point_google_at_the_stand_in(self) -> None:
        root = self.stand_in_url
        self.google_client_id = STAND_IN_CLIENT_ID
        self.google_client_secret = STAND_IN_CLIENT_ID
        self.google_auth_uri = f"{root}/o/oauth2/auth"
        self.google_token_uri = f"{root}/token"
        self.google_revoke_uri = f"{root}/revoke"
        self.google_certs_url = f"{root}/oauth2/v1/certs"
        self.gmail_api_endpoint = root
        self.pubsub_topic = self.pubsub_topic or "projects/warmline/topics/gmail"
        self.pubsub_audience = self.pubsub_audience or f"{self.base_url}/gmail/push"
        self.pubsub_service_account = self.pubsub_service_account or "push@warmline.iam.gserviceaccount.com"
        self.pubsub_api_endpoint = root

    @property
    def uses_stand_in(self) -> bool:
        """Whether the local stand-in plays Google, because no Google client is configured."""
        return self.google_client_id in ("", STAND_IN_CLIENT_ID)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the members' app."""
        return self.host in LOOPBACK

    @property
    def stand_in_url(self) -> str:
        """The address at which the stand-in answers, whether or not it is in use."""
        return f"http://127.0.0.1:{self.stand_in_port}"

    @property
    def is_https(self) -> bool:
        """Whether members reach the app over TLS, so that cookies may be Secure."""
        return self.base_url.startswith("https://")

    @cached_property
    def journal_dir(self) -> Path:
        """The folder of the edge's append-only hit journal."""
        return self.warmline_home / "journal"


def load_settings() -> Settings:
    """Return the settings of this process."""
    return Settings()


def get_settings() -> Settings:
    """Return the settings of the current app."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings
