"""The recipients' edge: the hot path as a bare WSGI callable, then a small Flask app for its few pages. No session."""
