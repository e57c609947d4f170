"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.config.whole_files import ChangedMeanwhile, replacing, write_atomically


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
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["file.yaml", "link.yaml", "new", "real.yaml", "sub"]


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
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("plan.json", "old")]


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
        assert [one.read_text() for one in tmp_path.iterdir()] == ([theirs] if theirs else [])
