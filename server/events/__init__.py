"""Events: the append-only log of engagement, what Warmline believes about each fact, and the projections it feeds."""
