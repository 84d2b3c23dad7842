"""Consent: the recipient's say. Policy, suppression, ledger, opt-out, unsubscribing, erasure, retention."""
