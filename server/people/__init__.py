"""People: the prospects a workspace writes to, and their addresses."""
