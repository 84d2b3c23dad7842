"""What all apps of a test run make alike, made once: builders of addresses, code of templates."""

from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule


class Remembered(BytecodeCache):
    """Templates' compiled code, by template."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill `bucket` where its template has been compiled before."""
        if code := self.known.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what `bucket` has."""
        self.known[bucket.key] = bucket.bytecode_to_string()


def remember() -> None:
    """Let apps share compiled rules and templates: 5,000 apps would spend most of a run compiling the same again."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Remembered()}
    compile_rule, known = Rule.compile, dict[tuple[Any, ...], Rule]()

    def compile_once(self: Rule) -> None:
        key = (self.rule, self.subdomain, self.host, self.merge_slashes, repr(self.defaults))
        if first := known.get(key):
            self._parts, self._trace, self._converters = first._parts, first._trace, first._converters
            self.arguments |= first.arguments
            self._build, self._build_unknown = first._build, first._build_unknown
        else:
            compile_rule(self)
            known[key] = self

    Rule.compile = compile_once  # type: ignore[method-assign]
