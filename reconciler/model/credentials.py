"""Who we are to the remote side. The values are secrets; where they come from is the config's business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.model.secret import Secret


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An account's API key, sent bare in `Authorization` (D 2.1)."""

    key: Secret


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """An app's id and secret, exchanged for a token of one instance (D 2.2)."""

    app_id: Secret
    app_secret: Secret


Credential: TypeAlias = ApiKey | AppCredentials
