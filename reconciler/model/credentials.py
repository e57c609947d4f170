"""How this tool identifies itself to the remote side. The values are secrets; `config` knows where they come from."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from reconciler.model.secret import Secret


class ApiKey(Struct, frozen=True):
    """An account's API key, sent without a scheme in `Authorization` (D 2.1)."""

    key: Secret


class AppCredentials(Struct, frozen=True):
    """An app's id and secret, exchanged for a token of one instance (D 2.2)."""

    app_id: Secret
    app_secret: Secret


Credential: TypeAlias = ApiKey | AppCredentials
