"""PyYAML, imported without compiling the regular expressions of its own reader and resolver.

Files are read by libyaml, and their scalars resolved by scalars.py.
"""

from __future__ import annotations

from reconciler.late_patterns import patterns_later

with patterns_later("yaml"):
    import yaml

__all__ = ["yaml"]
