"""The words of the kinds of managed objects, one file each; `registry.py` is where a kind is registered."""
