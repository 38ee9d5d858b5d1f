"""Only regular files are replaced: links are followed, devices and pipes written through, folders and disks refused."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from sedir_core.errors import CannotWrite, UnreadableScan
from sedir_core.io.atomic import atomic_folder, write_bytes, write_text
from sedir_core.io.guard import open_regular


def test_a_device_is_written_through_and_stays(tmp_path: Path) -> None:
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        device = Path(os.devnull)
    write_bytes(device, b"gone")
    assert stat.S_ISCHR(device.stat().st_mode)


def test_a_full_device_is_said_and_stays(tmp_path: Path) -> None:
    device = tmp_path / "full"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
    except PermissionError:
        device = Path("/dev/full")
        if not device.exists():
            pytest.skip("no such device on this system")
    with pytest.raises(CannotWrite, match="space"):
        write_bytes(device, b"x")
    assert stat.S_ISCHR(device.stat().st_mode)


def test_a_pipe_gets_all_of_it_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    write_bytes(pipe, b"x" * 300_000)
    reader.join(20)
    assert heard == [b"x" * 300_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.json"
    link.symlink_to("there/real.json")
    for content in ("new", "again"):
        write_text(link, content)
        assert link.is_symlink()
        assert (tmp_path / "there" / "real.json").read_text() == content


def test_a_link_to_itself_a_folder_and_a_socket_are_refused(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    (tmp_path / "folder").mkdir()
    for path in (loop, tmp_path / "folder"):
        with pytest.raises(CannotWrite):
            write_text(path, "x")
    assert loop.is_symlink() and list(tmp_path.glob(".*")) == []


def test_a_name_may_be_as_long_as_the_system_takes(tmp_path: Path) -> None:
    name = "x" * 250 + ".json"
    write_text(tmp_path / name, "x")
    with atomic_folder(tmp_path / ("y" * 255)):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {name, "y" * 255}
    with pytest.raises(CannotWrite, match="name too long"):
        write_text(tmp_path / ("z" * 256), "x")


def test_text_that_is_no_utf_8_is_written_so_that_it_can_be_read(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", os.fsdecode(b"part_\xff"))
    assert (tmp_path / "a.txt").read_text("utf-8") == "part_\\udcff"


def test_a_name_no_file_can_have_is_said_to_be_one() -> None:
    """A session or a history may hold it."""
    path = Path("a\0b.ply")
    with pytest.raises(CannotWrite, match="no file can have this name"):
        write_text(path, "a")
    with pytest.raises(UnreadableScan, match="no file can have this name"), open_regular(path):
        pass
