"""Gmail: everything that knows Gmail exists, and nothing that knows what Warmline does with the mail."""
