"""The version, which the build reads too."""

__version__ = "0.1.0"

DISTRIBUTION = "marketing-reconciler"
"""What pip installs. The package to import and the command are called `reconciler`."""


def install_hint(extra: str) -> str:
    """The command that installs what an extra brings."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"
