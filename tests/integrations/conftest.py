"""Commands run in process, as in the tests of the command line."""

from tests.cli.conftest import reconciler as reconciler
