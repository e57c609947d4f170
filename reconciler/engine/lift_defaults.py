"""`import --defaults`: moves what all sites of a project share from their files into its defaults.

The defaults are written first and the files after them, so that after an interruption each site still asks for the
same settings. Files that existed before keep their own lines, which say the same as the defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from reconciler.config.discovery import PROJECT_FILE, shown_path
from reconciler.config.new_files import read_text, write_file
from reconciler.config.project import ProjectConfig, find_project
from reconciler.config.site_text import NewSite, merged_fields, new_site_text
from reconciler.config.sites import check_sites
from reconciler.config.yaml_edit import NotEditable, YamlText, as_item
from reconciler.config.yaml_values import yaml_value
from reconciler.model.canonical import Json, canonical_text
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Place, Severity, problem
from reconciler.model.plurals import plural
from reconciler.model.settings import Field, normal, settings_of
from reconciler.model.sites import DesiredSite

ENOUGH = 2
"""How many sites must share a value before it becomes a default."""


def lift_defaults(project: ProjectConfig, made: Mapping[Path, tuple[NewSite, str | None]]) -> Diagnostic:
    """Moves the values that all sites share into the project's defaults, and out of the files that were just `made`.

    Returns a note about what was done. Raises InvalidFiles if the project's file cannot be changed in place.
    """
    index = check_sites(project, may_be_empty=True)
    before = [entry.load() for entry in index.entries]
    under = merged_fields(defaults.layer.value for defaults in project.defaults if defaults.applies({}))
    in_common = _shared(before)
    shared = tuple(field for field in in_common if field.path not in under)
    every = "both sites" if len(before) == 2 else f"all {len(before):,} sites"
    if not shared:
        why = f"no setting has the same value on {every}"
        if in_common:
            why = f"defaults already has every setting that {every} share"
        if len(before) < ENOUGH:
            why = "only values that two or more sites share become defaults"
        why += ", so nothing was moved into defaults"
        return Diagnostic("nothing-shared", why, severity=Severity.NOTE)
    path = project.file or project.root / PROJECT_FILE
    write_file(path, _with_defaults(read_text(path) or "version: 1\n", shared, shown_path(path)))
    paths = {field.path for field in shared}
    for file, (new, schema) in made.items():
        kept = tuple(field for field in new.settings if field.path not in paths)
        write_file(file, new_site_text(replace(new, settings=kept), schema))
    index = check_sites(find_project((project.root,), project.trust))
    after = [entry.load() for entry in index.entries]
    assert [_asked(site) for site in before] == [_asked(site) for site in after], "moving values changed a site"
    named = ", ".join(sorted(paths))
    what = f"moved settings that {every} share into defaults in {shown_path(path)}: {named}"
    if older := len(before) - len(made):
        keep = "keeps its" if older == 1 else "keep their"
        what += f"; {plural(older, 'site')} that already had a file {keep} own values, which win"
    return Diagnostic("moved-to-defaults", what, severity=Severity.NOTE)


def _shared(sites: Iterable[DesiredSite]) -> tuple[Field, ...]:
    """The fields that every site declares with the same value, except those that are cleared."""
    counted: dict[tuple[str, str], int] = {}
    values: dict[tuple[str, str], Json] = {}
    number = 0
    for site in sites:
        number += 1
        for field in site.settings:
            key = (field.path, canonical_text(normal(field.path, field.value)))
            counted[key] = counted.get(key, 0) + 1
            values.setdefault(key, field.value)
    return tuple(
        Field(path, values[path, text])
        for (path, text), count in sorted(counted.items())
        if count == number >= ENOUGH and normal(path, values[path, text]) is not None
    )


def _asked(site: DesiredSite) -> tuple[tuple[str, str], ...]:
    return tuple((field.path, canonical_text(normal(field.path, field.value))) for field in site.settings)


def _with_defaults(text: str, fields: tuple[Field, ...], file: str) -> str:
    """The project file's text with one more entry of `defaults`, for all sites."""
    trees = settings_of(fields)
    entry = "\n".join(
        f"{root}:{yaml_value(tree, 2, 200)}"
        for root, tree in (("settings", trees.settings), ("overrides", trees.overrides))
        if tree
    )
    lines = ["# shared by all sites", *entry.split("\n")]
    try:
        yaml = YamlText(text)
        if yaml.get(yaml.root, "defaults") is None:
            return f"{yaml.text}defaults:\n  {lines[0]}\n{as_item(lines[1:], 2)}"
        yaml.add_items(yaml.root, "defaults", [(None, lines[1:])])
        return yaml.result
    except NotEditable as error:
        place = Place(file, error.line, error.column)
        raise InvalidFiles((problem(place, f"defaults cannot be added here: {error.why}"),)) from None
