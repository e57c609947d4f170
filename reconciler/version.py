"""The version, which the build also reads."""

__version__ = "0.1.0"

DISTRIBUTION = "marketing-reconciler"
"""The name that pip installs. The package to import and the command are called `reconciler`."""


def install_hint(extra: str) -> str:
    """The command that installs what an extra needs."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"
