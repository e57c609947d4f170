"""The library: `project.py` has what Python programs use, `runs.py` the whole runs that the command line starts.

Nothing here prints, asks or exits, and the environment is the one that is passed in.
"""
