"""Feed: what the Engagement tab reads, and the live stream."""
