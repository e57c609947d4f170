"""Why a document does not match its schema, in words for the person who wrote it.

Imported only if there is something to explain. jsonschema finds the errors; the sentences are made here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeAlias

import jsonschema
from jsonschema.exceptions import ValidationError

from reconciler.config import times
from reconciler.config.documents import Document
from reconciler.config.words import NOTHING, KeyPath, close_match, dotted, listed, quoted
from reconciler.model.diagnostics import Diagnostic, problem
from reconciler.model.text import about

Explained: TypeAlias = tuple[KeyPath, Diagnostic]
"""A problem, and the path of what is wrong."""

_READ_ONLY = {
    "language": "the API takes it from the site; to check it, write `expect: {language: ...}`",
    "businessLocation": "the API takes it from the site's business info, and `expect` cannot check it",
    "targetLocations": "the API takes it from the site's business info, and `expect` cannot check it",
}
"""Members of the settings that are read-only (D 9.4)."""

_SECRET_KEYS = re.compile(r"(?i)api.?key|secret|token|password|credential|authorization")

_AHEAD = "a duration in hours, days or weeks"
_TIMES: Mapping[str, Callable[[str], Any]] = {
    "a date": lambda text: times.day(text) if times.is_day(text) else times.moment(text),
    "a date and time": times.moment,
    "a duration": times.duration,
    _AHEAD: times.duration,
}
"""How texts that have the form of a time are read, by the title of their part of the schema."""
_MINUTES = re.compile(r"[0-9]+(ms|s|m)\Z")

LONGEST_EXAMPLE = 80
"""An example longer than this is not shown in a fix."""

_RENEW = "then rotate the secret, because it was stored in a file"


def explain(document: Document, schema: Mapping[str, Any]) -> Iterator[Explained]:
    """Every way in which a document does not fit, with its path; at least one problem."""
    explainer = _Explainer(document, schema)
    found = False
    for error in _told_once(list(_validator(schema).iter_errors(document.value))):
        for explained in explainer.problems(error):
            found = True
            yield explained
    if not found:
        # The two validators disagree, although no known input makes them: report it rather than let it pass.
        yield (), problem(document.place(()), "does not match its schema", "compare it with `reconciler schema`")


def _told_once(errors: Sequence[ValidationError]) -> Iterator[ValidationError]:
    """The errors. If a value has the wrong type and is not an allowed one, only the more helpful error of the two."""
    types = {tuple(error.absolute_path): error for error in errors if error.validator == "type"}
    left_out: list[ValidationError] = []
    for error in errors:
        wrong_type = types.get(tuple(error.absolute_path)) if error.validator == "enum" else None
        if wrong_type is not None:
            choices: Any = error.validator_value
            is_plain = isinstance(error.instance, bool | int | float | str)
            takes_words = any(isinstance(choice, str) for choice in choices)
            left_out.append(wrong_type if is_plain and takes_words else error)
    return (error for error in errors if not any(error is other for other in left_out))


def _validator(schema: Mapping[str, Any]) -> Any:
    """The draft-07 validator of jsonschema, but `$` matches only at the very end, as in quick_check.py.

    It also reads times: nothing else does if there are other mistakes around them.
    """

    def pattern(_: Any, expression: str, value: Any, part: Mapping[str, Any]) -> Iterator[ValidationError]:
        if not isinstance(value, str):
            return
        if not re.search(re.sub(r"\$$", r"\\Z", expression), value):
            yield ValidationError("does not match")
        elif (read := _TIMES.get(str(part.get("title")))) is not None:
            try:
                read(value)
            except ValueError as error:
                yield ValidationError(str(error), validator="time")

    kind: Any = jsonschema.validators.extend(jsonschema.Draft7Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]
    return kind(schema)


class _Explainer:
    def __init__(self, document: Document, schema: Mapping[str, Any]) -> None:
        self.document = document
        self.schema = schema

    def problems(self, error: ValidationError) -> Iterator[Explained]:
        """The problems behind one error of jsonschema."""
        path: KeyPath = tuple(error.absolute_path)
        value: Any = error.instance
        rule: Any = error.validator_value
        schema: Any = error.schema
        match error.validator:
            case "additionalProperties" if isinstance(value, dict):
                yield from self._unknown_keys(path, value, schema)
            case "required" if isinstance(value, dict):
                # jsonschema gives one error for each missing key, and names the key only in its message.
                key = next(key for key in rule if error.message.startswith(repr(key)))
                misspelt = self._misspelt(value, schema.get("properties", ()), [key])
                if misspelt is None:
                    yield self._missing(path, key, schema)
                elif schema.get("additionalProperties") is not False:  # otherwise it is reported as unknown
                    yield self._problem((*path, misspelt), "unknown key", f"did you mean {key}?", key=True)
            case "oneOf":
                yield from self._one_of(path, error)
            case "minProperties" | "maxProperties" if schema.get("maxProperties") == 1:
                found = f"it has {len(value):,}: {listed(value)}" if value else "it has none"
                what = f"must have exactly one of {listed(schema['properties'], 'or')}; {found}"
                yield self._problem(path, what, continues=True)
            case "propertyNames":
                yield from ()
            case "uniqueItems":
                yield from self._twice(path, value)
            case _:
                yield self._about_value(path, value, str(error.validator), rule, schema, error)

    def _about_value(
        self, path: KeyPath, value: Any, keyword: str, rule: Any, schema: Mapping[str, Any], error: ValidationError
    ) -> Explained:
        said = self._quoted(path, value)
        if "propertyNames" in error.absolute_schema_path:
            hint = f"write a name like {listed(schema.get('examples', ())[:2], 'or')}"
            return self._problem((*path, value), f"the key is not {schema.get('title', 'a name')}", hint, key=True)
        match keyword:
            case "type":
                return self._wrong_type(path, value, rule, schema)
            case "enum":
                if path == ("version",):
                    return self._problem(
                        path, f"version {said} is not known", "this version of reconciler reads version 1"
                    )
                allowed = [_flow(choice) for choice in rule]
                near = close_match(value, allowed) if isinstance(value, str) else None
                must = (
                    f"must be one of: {listed(allowed)}" if len(allowed) > 1 else f"is not allowed; write {allowed[0]}"
                )
                return self._problem(path, f"{said} {must}", f"did you mean {near}?" if near else "")
            case "pattern":
                return self._unlike(path, value, schema)
            case "time":
                return self._problem(path, f"{said} {error.message}")
            case "minimum":
                return self._problem(path, f"{said} is too small", f"the minimum is {rule}")
            case "maximum":
                return self._problem(path, f"{said} is too large", f"the maximum is {rule}")
            case "minLength":
                return self._problem(path, "is empty", "write something, or leave the key out", continues=True)
            case "maxLength":
                return self._problem(path, f"has {len(value):,} characters", f"the maximum is {rule}", continues=True)
            case "minItems":
                return self._problem(path, "is an empty list", "add an item, or leave the key out", continues=True)
            case "minProperties":
                keys = listed(schema.get("properties", ()), "or")
                return self._problem(path, "is empty", f"write {keys}" if keys else "leave the key out", continues=True)
            case _:
                return self._problem(path, f"{said} is not valid here ({keyword})", str(schema.get("description", "")))

    def _unlike(self, path: KeyPath, value: str, schema: Mapping[str, Any]) -> Explained:
        said = self._quoted(path, value)
        if schema.get("title") == _AHEAD and _MINUTES.match(value):
            return self._problem(
                path, f"{said} is in minutes or smaller units", "write hours, days or weeks; a month is 30d"
            )
        examples = [str(example) for example in schema.get("examples", ())]
        near = close_match(value, examples) if len(examples) > 2 else None
        kind = re.sub(r"\Aan? ", "a valid ", schema.get("title", "a text value"))
        fix = f"did you mean {near}?" if near else f"write it like {listed(examples[:2], 'or')}"
        return self._problem(path, f"{said} is not {kind}", fix)

    def _wrong_type(self, path: KeyPath, value: Any, rule: Any, schema: Mapping[str, Any]) -> Explained:
        wanted = [rule] if isinstance(rule, str) else list(rule)
        if self._is_reference(schema) and isinstance(value, str):
            hint = f"write {{env: NAME}}, {{file: PATH}} or {{command: [...]}}; {_RENEW}"
            return self._problem(path, "an inline secret is refused", hint)
        expected = listed([_TYPES[kind] for kind in wanted if kind != "null"], "or")
        hint = ""
        if value is None:
            none = NOTHING.get(str(path[-1])) if path else None
            hint = f"write `{none}` for none, or leave the key out" if none else "leave the key out, or write its value"
        elif "string" in wanted and isinstance(value, bool | int | float):
            fits, examples = re.search(schema.get("pattern", ""), str(value)), schema.get("examples")
            hint = f"for example {_flow(examples[0])}" if examples and not fits else "put it in quotes"
        elif "array" in wanted and not isinstance(value, dict | list):
            hint = f"write [{value}]" if self._may_show(path) else "write a list"
        elif "boolean" in wanted and isinstance(value, str) and value.lower() in _YES_NO:
            hint = f"write {_YES_NO[value.lower()]}"
        elif wanted[0] in ("integer", "number") and isinstance(value, str) and value.isdecimal():
            hint = "remove the quotes"
        elif schema.get("examples"):
            hint = f"for example {_flow(schema['examples'][0])}"
        return self._problem(path, f"expected {expected}, got {self._kind(path, value)}", hint)

    def _unknown_keys(self, path: KeyPath, value: dict[str, Any], schema: Mapping[str, Any]) -> Iterator[Explained]:
        allowed = list(schema.get("properties", ()))
        for key in value:
            if key in allowed:
                continue
            near = close_match(key, [name for name in allowed if name not in value] or allowed)
            elsewhere = self._elsewhere(key)
            if path[-1:] == ("settings",) and key in _READ_ONLY:
                yield self._problem((*path, key), "is read-only", _READ_ONLY[key], key=True, continues=True)
                continue
            if near is not None:
                hint = f"did you mean {near}?"
            elif _SECRET_KEYS.search(key):
                hint = "refer to the secret under `credentials` in reconciler.yaml"
            elif elsewhere is not None:
                hint = f"it belongs under {elsewhere}"
            else:
                hint = f"allowed here: {listed(allowed)}"
            yield self._problem((*path, key), "unknown key", hint, key=True)

    def _missing(self, path: KeyPath, key: str, schema: Mapping[str, Any]) -> Explained:
        field = schema.get("properties", {}).get(key, {})
        examples = field.get("examples")
        example = _flow(examples[0]) if examples else ""
        if len(example) > LONGEST_EXAMPLE or "\n" in example:
            hint = f"write `{key}:` and its {'items' if field.get('type') == 'array' else 'keys'}"
        else:
            hint = f"write `{key}: {example}`" if example else f"write `{key}:`"
        return self._problem(path, f"{key} is missing", hint)

    def _one_of(self, path: KeyPath, error: ValidationError) -> Iterator[Explained]:
        """Which of several forms was meant, and why the value does not have that form."""
        value: Any = error.instance
        forms_written: Any = error.validator_value
        branches = [self._resolved(form) for form in forms_written]
        if isinstance(value, str) and any("Key" in key for branch in branches for key in branch.get("properties", ())):
            hint = f"write a reference, such as {{apiKey: {{env: NAME}}}}; {_RENEW}"
            yield self._problem(path, "an inline secret is refused", hint)
            return
        if not isinstance(value, dict):
            yield self._problem(path, f"expected keys and values, got {self._kind(path, value)}")
            return
        if all(set(branch) == {"required"} for branch in branches):
            keys = [key for branch in branches for key in branch["required"]]
            schema: Any = error.schema
            if self._misspelt(value, schema.get("properties", ()), keys) is not None:  # reported as unknown
                return
            found = "it has both" if all(key in value for key in keys) else "it has neither"
            yield self._problem(path, f"must have exactly one of {listed(keys, 'and')}; {found}", continues=True)
            return
        forms = ", or ".join(str(branch.get("title")) for branch in branches)
        known = {key for branch in branches for key in branch["properties"]}
        best = max(range(len(branches)), key=lambda at: _likeness(value, branches[at]))
        score = _likeness(value, branches[best])
        rivals = [at for at in range(len(branches)) if _likeness(value, branches[at])[0] == score[0]]
        clash = [key for key in value if key in known and key not in branches[best]["properties"]]
        if clash or (score[0] < len(branches[best]["required"]) and len(rivals) > 1):
            if clash or self._misspelt(value, known, known) is None:
                what = f"{clash[0]} cannot be combined with the other keys" if clash else "is incomplete"
                yield self._problem((*path, *clash[:1]), what, f"write {forms}", key=True, continues=not clash)
            unknown = {key: value[key] for key in value if key not in known}
            yield from self._unknown_keys(path, unknown, {"properties": {key: {} for key in sorted(known)}})
            return
        for inner in _told_once([inner for inner in error.context or () if inner.schema_path[0] == best]):
            yield from self.problems(inner)

    def _misspelt(self, value: Mapping[str, Any], known: Collection[str], meant: Collection[str]) -> str | None:
        """An unknown key that is close to one of those meant; None if there is none."""
        others = (key for key in value if key not in known)
        return next((key for key in others if close_match(key, meant)), None)

    def _twice(self, path: KeyPath, items: Sequence[Any]) -> Iterator[Explained]:
        for at, item in enumerate(items):
            if item is not None and item in items[:at]:
                yield self._problem((*path, at), f"{self._quoted((*path, at), item)} is listed twice", "keep one")

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        ref = schema.get("$ref")
        if not isinstance(ref, str):
            return schema
        found: Mapping[str, Any] = self.schema["definitions"][ref.rsplit("/", 1)[1]]
        return found

    def _elsewhere(self, key: str) -> str | None:
        """The section to which a misplaced key belongs."""
        for section, field in self.schema["properties"].items():
            inner = self._resolved(field["allOf"][0]) if "allOf" in field else field
            if key in inner.get("properties", ()):
                return f"`{section}`"
        return None

    def _is_reference(self, schema: Mapping[str, Any]) -> bool:
        return set(schema.get("properties", ())) >= {"env", "file", "command"}

    def _may_show(self, path: KeyPath) -> bool:
        return "credentials" not in path

    def _quoted(self, path: KeyPath, value: Any) -> str:
        return quoted(value) if self._may_show(path) else "this value"

    def _kind(self, path: KeyPath, value: Any) -> str:
        if value is None:
            return "nothing"
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int | float):
            return str(value) if self._may_show(path) else "a number"
        if isinstance(value, str):
            return self._quoted(path, value) if self._may_show(path) else "text"
        return "a list" if isinstance(value, list) else "keys and values"

    def _problem(
        self, path: KeyPath, message: str, hint: str = "", *, key: bool = False, continues: bool = False
    ) -> Explained:
        where = dotted(path)
        what = about(where, message, continues=continues) if where else message
        return path, problem(self.document.place(path, key=key), what, hint)


_TYPES = {
    "object": "keys and values",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_YES_NO = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def _likeness(value: Mapping[str, Any], branch: Mapping[str, Any]) -> tuple[int, int]:
    """How much a value resembles a form: required keys that it has, and known keys or near misses."""
    known = list(branch["properties"])
    near = sum(1 for key in value if key in known or get_close_matches(key, known, 1))
    return sum(1 for key in branch["required"] if key in value), near


def _flow(value: Any) -> str:
    """A value as it would be written on one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
