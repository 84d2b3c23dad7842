"""What could not be done or read again and again: kept aside with its reason until somebody says what to do."""
