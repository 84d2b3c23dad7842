"""What was done in a campaign and what became of its people: who, what, when and why."""
