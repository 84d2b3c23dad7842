"""Campaigns: who gets which step when, exactly once, and who stops it."""
