"""Files are written completely or not at all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from reconciler import whole_files
from reconciler.whole_files import ChangedMeanwhile, replacing, write_atomically


def test_writing_keeps_links_and_modes_and_leaves_no_rest(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text("old")
    real.chmod(0o640)
    (tmp_path / "sub").mkdir()
    link = tmp_path / "sub" / "link.yaml"
    link.symlink_to(real)
    write_atomically(link, "new\r\n")
    assert real.read_bytes() == b"new\r\n"
    assert (link.is_symlink(), real.stat().st_mode & 0o777) == (True, 0o640)
    write_atomically(tmp_path / "new" / "file.yaml", "x")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file.yaml", "link.yaml", "new", "real.yaml", "sub"]


def write_half(file: Path, stop: type[BaseException]) -> None:
    with replacing(file, 0o600) as out:
        out.write(b"half of")
        raise stop


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError, ValueError])
def test_what_is_not_written_whole_leaves_the_old_file(tmp_path: Path, stop: type[BaseException]) -> None:
    file = tmp_path / "plan.json"
    file.write_text("old")
    with pytest.raises(stop):
        write_half(file, stop)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("plan.json", "old")]


def test_what_somebody_else_wrote_meanwhile_stays(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    for theirs in ("theirs", None):
        file.write_text("read")
        before = file.read_bytes()
        if theirs is None:
            file.unlink()
        else:
            file.write_text(theirs)
        with pytest.raises(ChangedMeanwhile):
            write_atomically(file, "ours", before)
        assert [path.read_text() for path in tmp_path.iterdir()] == ([theirs] if theirs else [])


PACKAGE = Path(whole_files.__file__).parent


def renames(source: str) -> list[int]:
    """The lines that rename a file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(attr="rename" | "renames")):
                found.append(node.lineno)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="os" | "shutil"), attr="replace" | "move")):
                found.append(node.lineno)
            case ast.Call(func=ast.Attribute(attr="replace"), args=[_], keywords=[]):  # Path's; str's takes two
                found.append(node.lineno)
            case _:
                pass
    return found


def test_one_module_gives_files_their_names() -> None:
    """Whatever else wrote a file whole would need its own care for crashes, links and modes."""
    sources = [path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).parts[0] != "sandbox"]
    assert [path.name for path in sources if renames(path.read_text("utf-8"))] == ["whole_files.py"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("os.replace(a, b)", True),
        ("os.rename(a, b)", True),
        ("path.rename(b)", True),
        ("beside.replace(path)", True),
        ("shutil.move(a, b)", True),
        ("text.replace('a', 'b')", False),
        ("moment.replace(tzinfo=UTC)", False),
        ("replace(value, name=1)", False),
    ],
)
def test_another_would_be_found(source: str, found: bool) -> None:
    assert bool(renames(source)) is found
