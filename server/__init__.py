"""Warmline's server: see docs/architecture.md for the rooms and the directions between them."""
