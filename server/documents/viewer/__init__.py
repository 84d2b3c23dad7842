"""The documents' viewer: what recipients see on their own origin, and what is known of their reading."""
