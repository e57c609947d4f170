"""An emulator of the remote API: one `Sandbox` is one world, in process or over HTTP.

It deliberately shares no code with the rest of the package: with shared code, one wrong belief about the remote API
would pass on both sides.
"""
