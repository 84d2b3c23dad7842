"""Tasks: what a member has to do next, for whom, and when."""
