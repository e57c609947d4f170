"""One file per command, imported when its command runs."""
