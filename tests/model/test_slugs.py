"""Slugs are stored and compared, sentences are not: a sentence may be reworded any day, what is stored may not."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec

import reconciler
from reconciler.engine.results import Event
from reconciler.model.notes import JournalNote
from reconciler.model.text import spoken
from reconciler.planner.document import PlanDocument
from reconciler.state.lock_record import LockRecord
from reconciler.state.record import SiteRecord
from tests.sources import parsed

ROOT = Path(reconciler.__file__).parent
SLUG = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")

SENTENCES = {
    "a problem, beside its code": {"Diagnostic.message", "Diagnostic.fix", "Diagnostic.shared"},
    "what the remote side said of a post that failed, beside its status": {"PostOutcome.reason"},
}
"""Texts that are stored to be shown again as they were, and that decide nothing: a slug beside each does."""

FACTS = {
    *("account", "approver", "call", "channel", "channels", "code", "commit", "consumed", "details"),
    *("contents", "created", "credentials", "decision", "description", "edited", "event_ids", "events", "field"),
    *("error", "file", "id", "ids", "in_file", "instance_id", "known", "link", "live", "method", "name", "object"),
    *("objects", "path", "paths", "planning", "reaching", "sites"),
    *("request_id", "rules", "status", "target_date", "time_zone", "title", "type", "types", "weekdays", "zone"),
    *("inherited", "labels", "reads"),
    *("api", "kind", "tool", "written", "beat", "ci_url", "host", "machine", "run", "started", "token", "user"),
}
"""The members of stored values that are texts but not sentences of ours: names, ids, texts of a site, slugs."""

TOLD_FACTS = {
    *("about", "account_id", "account_name", "audience", "blocked", "call_to_action", "caption", "command"),
    *("connected", "digest", "due_names", "external_url", "file_id", "folder", "gallery", "goes_out"),
    *("media", "names", "wrapper"),
    *("moved_to", "other", "others", "period", "place", "project", "requests", "section", "shell", "target"),
    *("text", "texts", "thumbnail", "url", "variable", "version", "where", "world"),
}
"""The members of what the engine reports that are texts but not sentences: as in FACTS, and texts asked for."""


def _slugs_of(file: Path) -> Iterator[tuple[str, str]]:
    """The members of the enums in a file, with their values."""
    for node in ast.walk(parsed(file.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("StrEnum") for base in node.bases):
            for member in node.body:
                if isinstance(member, ast.Assign) and isinstance(member.value, ast.Constant):
                    yield f"{file.name} {node.name}.{ast.unparse(member.targets[0])}", str(member.value.value)


def _named_in(type: type) -> dict[str, Any]:
    """What the annotations of a type can name, including what its module imports only for the type checker."""
    module = sys.modules[type.__module__]
    found: dict[str, Any] = {"Path": Path, "datetime": datetime, "Callable": Callable}
    for node in ast.walk(parsed(Path(str(module.__file__)).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("reconciler."):
            imported = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(imported, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
                found[alias.asname or alias.name] = getattr(imported, alias.name)
    return found | vars(module)


def _texts_in(hint: Any, at: str, seen: set[Any]) -> Iterator[str]:
    """The members of values that are texts, as `Type.member`."""
    if hint is str:
        yield at
    elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        if hint not in seen:
            seen.add(hint)
            hints = get_type_hints(hint, localns=_named_in(hint))
            for name in hint.__struct_fields__:  # class variables are not stored
                yield from _texts_in(hints[name], f"{hint.__name__}.{name}", seen)
    else:
        for inner in get_args(hint):
            yield from _texts_in(inner, at, seen)


def test_the_values_of_enums_are_slugs() -> None:
    members = [member for file in sorted(ROOT.rglob("*.py")) for member in _slugs_of(file)]
    assert len(members) > 200
    assert [(name, value) for name, value in members if value and not SLUG.fullmatch(value)] == []


def test_a_slug_is_spoken_without_its_hyphens() -> None:
    assert spoken("changed-in-git") == "changed in git"


def test_what_is_kept_has_no_sentence_that_decides_anything() -> None:
    seen: set[Any] = set()
    kept = {text for hint in (SiteRecord, JournalNote, LockRecord, PlanDocument) for text in _texts_in(hint, "", seen)}
    told = {text for texts in SENTENCES.values() for text in texts}
    assert told - kept == set()
    assert sorted(text for text in kept - told if text.partition(".")[2] not in FACTS) == []


def test_what_the_engine_reports_has_no_sentence_outside_a_diagnostic() -> None:
    texts = {text for text in _texts_in(Event, "", set()) if text}
    assert len(texts) > 100
    allowed = {text for texts in SENTENCES.values() for text in texts}
    others = {text for text in texts - allowed if text.partition(".")[2] not in FACTS | TOLD_FACTS}
    assert sorted(others) == []


def test_a_sentence_that_the_engine_reports_would_be_found() -> None:
    class Found(msgspec.Struct, frozen=True):
        words: str
        more: tuple[str, ...]

    assert list(_texts_in(Found, "", set())) == ["Found.words", "Found.more"]
    assert not {"words", "more"} & (FACTS | TOLD_FACTS)
