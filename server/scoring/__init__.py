"""Scoring: what engagement is worth, how it fades, who is hottest, and the sum behind each score."""
