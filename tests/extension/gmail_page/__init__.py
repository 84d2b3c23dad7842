"""A page that stands where Gmail stands, for tests: served as https://mail.google.com, shaped as extensions know it."""
