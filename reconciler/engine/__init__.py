"""Whole runs over many sites, as values: no click, no streams, no environment, no wording."""
