"""Backup: one file with everything an installation is, made while it runs, and an installation from such a file."""
