"""A local server that answers as Google does (OAuth, Gmail v1, Pub/Sub), so that Warmline needs no account anywhere."""

from server.sandbox.stand_in.app import create_app

__all__ = ["create_app"]
