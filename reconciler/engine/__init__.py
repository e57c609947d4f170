"""Whole runs over many sites, as values: no click, no streams, no environment.

Words are only in what a Diagnostic or an error says, made where the problem is known; all else is worded in reporters.
"""
