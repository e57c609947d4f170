"""One command a file; a file is imported when its command runs."""
