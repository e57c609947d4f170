"""Values to words: one file per format, and no decisions."""
