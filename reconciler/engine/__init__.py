"""Whole runs over many sites, as values: no click, no streams, no environment.

The only words here are those of a Diagnostic or an error, where the problem is known; reporters word everything else.
"""
