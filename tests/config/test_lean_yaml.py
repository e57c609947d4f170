"""PyYAML works as usual, but compiles less at the start."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import copy, re, sys
kept = re.compile
from reconciler.config import yaml_source
assert re.compile is kept
import yaml
assert yaml_source.yaml is yaml is sys.modules["yaml"]
late = yaml.reader.Reader.NON_PRINTABLE
assert not isinstance(late, re.Pattern) and set(vars(late)) == {"_late"}
text = "a: 2026-07-08\\nb: [1.5, 0x10, yes, ~, x]\\nc: 2026-07-08T09:00:00Z\\n"
slow, fast = yaml.load(text, yaml.SafeLoader), yaml.load(text, yaml.CSafeLoader)
assert slow == fast and slow["b"] == [1.5, 16, True, None, "x"] and str(slow["a"]) == "2026-07-08"
assert yaml.safe_load(yaml.safe_dump(slow)) == slow
try:
    yaml.safe_load("a: \\x01")
except yaml.reader.ReaderError as error:
    assert error.character in (1, "\\x01", "#x0001")
else:
    raise AssertionError
usual = re.compile(late.pattern, late.flags & ~re.UNICODE)
assert usual.flags == late.flags and usual.search("a\\x01b").span() == late.search("a\\x01b").span()
assert copy.deepcopy(late).search("\\x01")
"""


def test_what_the_library_does_is_unchanged() -> None:
    """Other code in this process reads and writes YAML as it always did."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
