"""The remote API, small: one `Sandbox` is one world, in process or over HTTP.

It shares no code with the rest of the package on purpose: with shared code, one wrong belief about the
remote API would pass on both sides.
"""
