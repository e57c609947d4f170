"""Values to words: one file a format, and no decisions."""
