"""Below the reporters no function passes half a sentence to another: it passes a Diagnostic, an enum or a record.

What a Diagnostic or an error says is worded where it is made. So a text in words may stand in a docstring, in a
pattern, and in the function that makes the Diagnostic; it may not be returned, and not be a member of a record. It may
be given to a function that makes the Diagnostic or error, and to no other.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import pytest

import reconciler
from tests.sources import parsed

ROOT = Path(reconciler.__file__).parent

ABOVE = {"reporters", "cli", "web", "sandbox"}
"""The packages that put things into words for people, and the sandbox, which is a server of its own."""

WORDS = re.compile(r"[a-z']{2,} [a-z']{2,}|[a-z']{2,} …|… [a-z']{2,}")
"""Two words, or a word beside a value (`…`)."""

NOT_SET = "(not set)"
"""How a value that is missing is shown: a mark, like quotes."""

MAKERS = {"Diagnostic"}
"""Records that are a message and its fix."""

THROUGH = {"about", "printable", "shown", "str", "spoken"}
"""Functions that give a text back, only made safe to show or with its subject in front."""

ALLOWED = {
    "part of the one message of an error, which the same file raises, or the module that alone calls it": {
        "api/decoding.py": {"kind"},
        "api/errors.py": {"_envelope", "advice", "problem", "sentence", "what"},
        "api/network_words.py": {"_tls_words", "network_words"},
        "api/over_httpx.py": {"_text"},
        "api/pool.py": {"_text"},
        "api/routes.py": {"permission_of"},
        "api/shapes.py": {"_keys", "sign_of_more"},
        "api/surroundings.py": {"cure"},
        "api/transport.py": {"Answer", "_network_text"},
        "config/secrets.py": {"__str__"},
        "dask_workers.py": {"check_address"},
        "model/requests.py": {"__str__"},
        "library/runs.py": {"wrong_workers"},
        "state/holder.py": {"__str__"},
        "state/lease.py": {"_why_free"},
    },
    "what an answer should have been, for the same message": {
        "api/events.py": {"ListShape"},
        "api/wire.py": {"ListShape", "ObjectShape"},
        "api/wire_platform.py": {"ListShape", "ObjectShape"},
    },
    "the fix of a problem in a file, or how a value is called in it": {
        "config/explain.py": {"_kind", "_quoted"},
    },
    "a noun, a unit or a list of names that is counted": {
        "model/durations.py": {"_two"},
        "model/plurals.py": {"some_of"},
    },
    "text of a file, a command or a header": {
        "api/address.py": {"Proxy"},
        "config/advice.py": {"_writing"},
        "config/event_text.py": {"event_lines"},
        "engine/lift_defaults.py": {"as_item"},
        "config/site_text.py": {"_lines"},
        "engine/tool_results.py": {"text"},
        "version.py": {"install_hint"},
    },
    "an account as it is called, also if no name is known": {
        "model/posts.py": {"shown_account"},
    },
    "a name of a value or a mark in a record, not a sentence": {
        "api/wire_posts.py": {"Unrecognised"},
        "model/marketing_plan.py": {"Unrecognised"},
        "planner/baseline.py": {"JsonObject"},
    },
}
"""Where a text in words is handed out all the same: by the reason, the file, and the function or the record."""


NOTHING: Mapping[str, Mapping[str, str]] = {}


def _words_in(node: ast.expr, known: Mapping[str, str]) -> Iterator[str]:
    """The texts in words that an expression can give: its own, and those of names in `known`."""
    match node:
        case ast.Constant(value=str(text)):
            yield from [text] if WORDS.search(text) and text != NOT_SET else []
        case ast.JoinedStr(values=parts):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
            yield from [text] if WORDS.search(text) else []
        case ast.Name(id=name) if name in known:
            yield known[name]
        case ast.IfExp(body=first, orelse=second) | ast.BinOp(left=first, right=second):
            yield from _words_in(first, known)
            yield from _words_in(second, known)
        case ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Dict(values=parts):
            for part in parts:
                yield from _words_in(part, known)
        case ast.Starred(value=inner) | ast.NamedExpr(value=inner) | ast.Subscript(value=inner):
            yield from _words_in(inner, known)
        case ast.Call(func=ast.Attribute(value=inner, attr="get" | "format" | "removesuffix"), args=given):
            for part in (inner, *given):
                yield from _words_in(part, known)
        case ast.Call(func=ast.Name(id=name), args=given) if name in THROUGH:
            for part in given:
                yield from _words_in(part, known)
        case _:
            pass


def _named(nodes: Iterable[ast.AST], known: Mapping[str, str]) -> dict[str, str]:
    """The names that assignments give to texts in words, and those in `known`."""
    found = dict(known)
    for node in nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            names = [target] if isinstance(target, ast.Name) else getattr(target, "elts", [])
            values = node.value.elts if isinstance(node.value, ast.Tuple) and len(names) > 1 else [node.value]
            for name, value in zip(names, values, strict=False):
                if isinstance(name, ast.Name) and (text := next(_words_in(value, known), None)) is not None:
                    found[name.id] = text
    return found


def _errors(trees: Iterable[ast.Module]) -> set[str]:
    """The names of all errors."""
    classes = [node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    bases = {node.name: {ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases} for node in classes}
    errors = {base for of in bases.values() for base in of if base.endswith(("Error", "Exception"))}
    for _ in range(DEEPEST):
        errors |= {name for name, of in bases.items() if errors & of}
    return errors


def _records(trees: Iterable[ast.Module]) -> set[str]:
    """The names of all classes that are not errors, without MAKERS."""
    names = {node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
    return names - _errors(trees) - MAKERS


DEEPEST = 5
"""How far an error may be derived from Exception."""


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rsplit(".", 1)[-1]


def _takers(trees: Iterable[ast.Module]) -> set[str]:
    """The names of our functions that make no Diagnostic and no error, so that nothing in words may be given to them.

    A function makes one if it raises, calls MAKERS or an error, or calls a function that does.
    """
    bodies: dict[str, list[ast.AST]] = {}
    classes = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, FUNCTIONS):
            bodies.setdefault(node.name, []).extend(ast.walk(node))
        elif isinstance(node, ast.ClassDef):
            classes.add(node.name)
    called = {
        name: {_called(node) if isinstance(node, ast.Call) else "raise" for node in nodes if isinstance(node, MAKING)}
        for name, nodes in bodies.items()
    }
    making = {"raise", *MAKERS, *_errors(trees)}
    while more := {name for name, calls in called.items() if calls & making} - making:
        making |= more
    return bodies.keys() - making - classes - NOT_OURS - EXTENDING


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
MAKING = (ast.Call, ast.Raise)

EXTENDING = {"and_then", "because_of", "saying", "while_"}
"""The methods that give a Diagnostic with more words than it had."""

NOT_OURS = {"append", "get", "add", "join", "plural"} | THROUGH
"""Functions of ours that share their name with a method of a list, dict or text, or that take a noun or any text."""


def clauses(
    tree: ast.Module,
    records: set[str],
    takers: Collection[str] = (),
    others: Mapping[str, Mapping[str, str]] = NOTHING,
) -> Iterator[tuple[str, str]]:
    """The functions of a module that return or pass on a text in words, and the records that get one, with the text.

    `others` are the constants in words of all modules.
    """
    constants = _named(tree.body, _imported(tree, others))
    for node in tree.body:
        inside = list(ast.walk(node))
        functions = [each for each in inside if isinstance(each, FUNCTIONS)]
        for function in functions:
            within = list(ast.walk(function))
            known = _named(within, constants)
            yield from _handed_out(within, known, records, takers, function.name)
        if not functions:
            yield from _handed_out(inside, constants, records, takers)


def _imported(tree: ast.Module, others: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The constants in words that a module imports, by the names that it gives them."""
    return {
        alias.asname or alias.name: others[module][alias.name]
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (module := node.module or "") in others
        for alias in node.names
        if alias.name in others[module]
    }


def _handed_out(
    nodes: Iterable[ast.AST],
    known: Mapping[str, str],
    records: set[str],
    takers: Collection[str],
    function: str = "",
) -> Iterator[tuple[str, str]]:
    for node in nodes:
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            yield from ((function, text) for text in _words_in(node.value, known))
        elif isinstance(node, ast.Call) and (name := _called(node)) in {*records, *takers}:
            values = (*node.args, *(keyword.value for keyword in node.keywords))
            yield from ((name, text) for value in values for text in _words_in(value, known))


def test_nothing_below_the_reporters_hands_out_half_a_sentence() -> None:
    files = [file for file in sorted(ROOT.rglob("*.py")) if file.relative_to(ROOT).parts[0] not in ABOVE]
    trees = {file.relative_to(ROOT).as_posix(): parsed(file.read_text("utf-8")) for file in files}
    records, takers = _records(trees.values()), _takers(trees.values())
    others = {f"reconciler.{file[:-3].replace('/', '.')}": _named(tree.body, {}) for file, tree in trees.items()}
    found = {
        (file, where): text for file, tree in trees.items() for where, text in clauses(tree, records, takers, others)
    }
    allowed = {(file, name) for files in ALLOWED.values() for file, names in files.items() for name in names}
    assert {where: text for where, text in found.items() if where not in allowed} == {}
    assert allowed - found.keys() == set(), "nothing is handed out there any more"


CLAUSES = [
    ('def why() -> str:\n    return "the site is refused"', ("why", "the site is refused")),
    ('def why(at: str) -> str | None:\n    return f"too late: {at}" if at else None', ("why", "too late: …")),
    ('GONE = "it is gone"\ndef why() -> str:\n    return GONE', ("why", "it is gone")),
    ('def why() -> tuple[str, str]:\n    fix = "run apply"\n    return "x", fix', ("why", "run apply")),
    ('WORDS = {1: "it is gone"}\ndef why(of: int) -> str:\n    return WORDS[of]', ("why", "it is gone")),
    ('HERE = LeftOut("the saved plan is refused")', ("LeftOut", "the saved plan is refused")),
    ('def why():\n    say("14.1", "it is gone")', ("say", "it is gone")),
    ("from reconciler.words import GONE\ndef why() -> str:\n    return GONE", ("why", "it is gone")),
    ("from reconciler.words import GONE as X\ndef why():\n    say(text=X)", ("say", "it is gone")),
    ('def why() -> str:\n    return printable(f"gone at {at}")', ("why", "gone at …")),
    ('def why() -> str:\n    return WORDS.get(at, "it is gone")', ("why", "it is gone")),
]


@pytest.mark.parametrize(("source", "found"), CLAUSES)
def test_half_a_sentence_would_be_found(source: str, found: tuple[str, str]) -> None:
    others = {"reconciler.words": {"GONE": "it is gone"}}
    assert next(clauses(parsed(source), {"LeftOut"}, {"say"}, others), None) == found


@pytest.mark.parametrize(
    "source",
    [
        'def why():\n    what = "it is gone"\n    return Diagnostic("gone", what, "run apply")',
        'def why():\n    """It is a text."""\n    return Why.GONE',
        'def why():\n    raise UsageError("it is gone")',
    ],
)
def test_a_problem_is_worded_where_it_is_made(source: str) -> None:
    assert list(clauses(parsed(source), {"LeftOut"}, {"say"})) == []


def test_what_makes_a_problem_may_be_given_its_words() -> None:
    source = """
def finding(what): return Diagnostic("x", what)
def note(what): found.append(finding(what))
def refuse(what): raise UsageError(what)
def say(what): said.append(what)
"""
    assert _takers([parsed(source)]) == {"say"}
