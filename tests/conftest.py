"""What all tests share: the option that rewrites expected results, and a watch for leaked secrets."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.canary import CANARY, leaks_in_folder, leaks_in_text

FIGURE = "figure"
"""The name of a property that a test records to have it printed at the end of the session."""

settings.register_profile("repeatable", derandomize=True, deadline=None)  # a busy machine is not a failure
settings.register_profile("explore", derandomize=False, print_blob=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

OF_THE_RUN = (
    *("CI", "RECONCILER_", "GITHUB_", "GITLAB_", "BUILD_URL", "BUILDKITE_", "CIRCLE_"),
    *("FORCE_COLOR", "NO_COLOR", "CLICOLOR", "COLUMNS", "LINES", "DISPLAY", "WAYLAND_DISPLAY", "BROWSER"),
    *("GIT_", "AWS_", "AZURE_", "GOOGLE_", "DASK_", "SSL_CERT_", "SSLKEYLOGFILE", "REQUESTS_CA_BUNDLE"),
    *("PYTHONIOENCODING", "PYTHONWARNINGS", "PYTHONDEVMODE", "PYTHONASYNCIODEBUG", "PYTHONDONTWRITEBYTECODE"),
    *(spelt for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY") for spelt in (name, name.lower())),
)
"""The prefixes of variables that say where the tests run, or point elsewhere: to the repository whose hook runs the
tests, to somebody's bucket, to a proxy. None of this may affect the tests, so these variables are removed before the
first fixture, whatever its scope. Without bytecode, each of the many processes would compile all modules again."""

for variable in [name for name in os.environ if name.startswith(OF_THE_RUN)]:
    del os.environ[variable]

# A tester's git may sign commits, run hooks or ignore files. The git that the tests run does none of this.
os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-cases", action="store_true", help="rewrite what the cases expect")


@pytest.fixture(scope="session")
def update_cases(request: pytest.FixtureRequest) -> bool:
    """Whether expected results are rewritten instead of compared."""
    return bool(request.config.getoption("--update-cases"))


@pytest.fixture(autouse=True)
def no_secret_gets_out(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test runs with a key in its environment, and fails if a file that it leaves or a process that it
    started has that key."""
    monkeypatch.setenv("WIX_API_KEY", CANARY)
    said: list[str] = []
    communicate = subprocess.Popen.communicate

    def heard(process: subprocess.Popen[Any], *args: Any, **options: Any) -> tuple[Any, Any]:
        told = communicate(process, *args, **options)
        said.extend(text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in told if text)
        return told

    monkeypatch.setattr(subprocess.Popen, "communicate", heard)
    folder: Path | None = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    assert leaks_in_text("".join(said), "what a process said") == []
    if folder is not None and folder.exists():
        assert list(leaks_in_folder(folder)) == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fails a test whose output or log holds that key."""
    report = yield
    for where, text in report.sections:
        if leaks_in_text(text, where):
            report.outcome = "failed"
            report.longrepr = f"{where} holds a secret"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests measured, such as how many moments a run was killed at."""
    reports = [getreport for group in ("passed", "failed") for getreport in terminalreporter.getreports(group)]
    figures = [value for report in reports for name, value in report.user_properties if name == FIGURE]
    for figure in sorted(str(figure) for figure in figures):
        terminalreporter.write_line(figure)
