"""Files that go with a mail untouched; nothing ever tells what becomes of them."""
