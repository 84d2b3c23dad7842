"""Messages: compose, render, send once, and match what comes back."""
