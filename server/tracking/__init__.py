"""Tracking: the recipients' edge. Pixels, clicks, their tokens and the durable journal of hits."""
