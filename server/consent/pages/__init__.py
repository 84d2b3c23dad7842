"""The recipients' pages on the edge: what the sender sees, opting out, unsubscribing, erasing, the legal text."""
