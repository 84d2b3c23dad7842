"""The Gmail extension's server side: pairing, its status, mail that Gmail sends, the open thread, marks."""
