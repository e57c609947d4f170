"""Whole runs over many sites, as values: no click, no stream, no environment, no words."""
