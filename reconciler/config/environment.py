"""The environment of child processes: what programs need to run, and none of this process's secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PASSED_ON: Final = frozenset(
    {
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TMP", "TEMP",
        "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME",
        "SYSTEMROOT", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA",
    }
)  # fmt: skip
"""Names of variables. Those that begin with LC_ are passed on too."""


def clean_environment(environ: Mapping[str, str], **more: str) -> dict[str, str]:
    """The environment for a child process: the variables of `environ` that are in PASSED_ON, and `more`."""
    passed_on = {name: value for name, value in environ.items() if name.upper() in PASSED_ON or name.startswith("LC_")}
    return passed_on | more
