"""Wix's own JavaScript client is a client that the sandbox must satisfy (docs/remote-api.md, S-sdk).

It needs node and the packages of package.json: `npm install --no-package-lock` in this folder, which `.ci/run` does
if npm is installed. Its requests are taken to a sandbox on loopback; a request for any other host fails.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.server import start_in_thread
from tests.conftest import FIGURE

HERE = Path(__file__).resolve().parent
SITE, UNPUBLISHED = "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01", "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e02"
INSTANCE, ACCOUNT = "5d1c0000-0000-4000-8000-000000000001", "1f0c2a9e-0000-4b7c-9a55-0c5a6f9a1e99"
GIVEN = {
    "site": SITE, "unpublished": UNPUBLISHED, "instance": INSTANCE, "account": ACCOUNT,
    "key": "a-key-of-the-account", "narrowKey": "a-key-for-plans-alone", "app": "an-app", "secret": "a-secret-of-it",
}  # fmt: skip
SEED: dict[str, Any] = {
    "clock": "2026-12-01T08:00:00Z",
    "freeze": True,
    "accountId": ACCOUNT,
    "keys": {GIVEN["key"]: {}, GIVEN["narrowKey"]: {"scopes": ["Manage Marketing Plans"]}},
    "apps": [{"appId": GIVEN["app"], "appSecret": GIVEN["secret"], "instances": {INSTANCE: SITE}}],
    "sites": [
        {"id": SITE, "instanceId": INSTANCE, "name": "Jane's Pottery"},
        {"id": UNPUBLISHED, "published": False, "namespace": "HEADLESS"},
    ],
}
DIFFERING = {
    "the time zone by updateBusinessRegion": "its route is not among the facts, so the sandbox has none",
}
"""Where the client differs from what the sandbox knows, and why."""

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (HERE / "node_modules" / "@wix" / "sdk").is_dir(),
        reason="Wix's packages are not installed: npm install --no-package-lock in tests/sdk",
    ),
]


def test_the_client_is_answered_as_documented(record_property: Callable[[str, object], None]) -> None:
    running = start_in_thread(Sandbox(seed=SEED))
    try:
        done = subprocess.run(
            ["node", str(HERE / "requests.mjs"), running.base_url, json.dumps(GIVEN)],
            cwd=HERE, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    finally:
        running.stop()
    assert done.returncode == 0, done.stderr
    *results, total = map(json.loads, done.stdout.splitlines())
    differing = {each["name"]: each for each in results if not each["ok"]}
    for name, each in differing.items():
        print(f"{each['section']} {name}: {each['problem']}; {', '.join(each['requests'])}")
    why = "; ".join(f"{name} ({DIFFERING.get(name)})" for name in differing)
    record_property(
        FIGURE,
        f"Wix's SDK: {total['sent']} requests sent in {len(results)} scenes, {len(results) - len(differing)} answered "
        f"as documented, {len(differing)} differing: {why}",
    )
    assert differing.keys() == DIFFERING.keys(), differing
