"""Writing aside and renaming: what a killed process leaves, what is swept, and what never is."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from inpaint_tf import files, owners
from inpaint_tf.errors import UserError


@pytest.fixture
def killed(tmp_path):
    """Function: lines of Python that end in a kill of their process in the middle of a write; runs them."""

    def run(code):
        head = f"import os, pathlib, signal\nfrom inpaint_tf import files\nfolder = pathlib.Path({str(tmp_path)!r})\n"
        head += "def kill(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        done = subprocess.run([sys.executable, "-c", head + code], check=False)
        assert done.returncode == -signal.SIGKILL
        files._swept.clear()

    return run


def hidden(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_a_file_appears_whole_with_the_users_mode(tmp_path):
    before = os.umask(0o027)
    try:
        files.write_bytes(tmp_path / "a.png", b"new")
    finally:
        os.umask(before)
    assert (tmp_path / "a.png").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640 and not hidden(tmp_path)


def test_names_of_255_bytes_can_be_written(tmp_path):
    files.write_bytes(tmp_path / ("x" * 251 + ".png"), b"1")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to(tmp_path / "real" / "a.png")
    files.write_bytes(tmp_path / "link.png", b"new")
    assert (tmp_path / "link.png").is_symlink() and (tmp_path / "real" / "a.png").read_bytes() == b"new"


def test_a_pipe_is_written_into_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    files.write_bytes(tmp_path / "pipe", b"through")
    reader.join(10)
    assert read == [b"through"] and stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_failed_rename_leaves_the_old_file_and_nothing_aside(tmp_path, monkeypatch):
    files.write_bytes(tmp_path / "a.png", b"old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(UserError, match=r"cannot write .*a\.png: No space left on device\."):
        files.write_bytes(tmp_path / "a.png", b"new")
    assert (tmp_path / "a.png").read_bytes() == b"old" and not hidden(tmp_path)


def test_an_interrupt_leaves_nothing_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        files.write_bytes(tmp_path / "a.png", b"new")
    assert not list(tmp_path.iterdir())


def test_leftovers_of_a_killed_process_are_swept_by_the_next_write(tmp_path, killed):
    killed("os.replace = kill\nfiles.write_bytes(folder / 'a.png', b'half')")
    killed("with files.new_folder(folder / 'b') as made:\n (made / 'x').write_bytes(b'1')\n kill()")
    # The second process swept what the first one had left.
    assert len(hidden(tmp_path)) == 1
    files.write_bytes(tmp_path / "c.png", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["c.png"]


def test_what_a_living_process_writes_is_left_alone(tmp_path):
    code = (
        f"import sys, time\nfrom inpaint_tf import files\nwith files.new_folder({str(tmp_path / 'b')!r}):\n"
        " print('ready', flush=True)\n sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"ready\n"
        files.sweep(tmp_path)
        assert len(hidden(tmp_path)) == 1
        other.stdin.close()
        assert other.wait(10) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_what_another_machine_left_is_swept_after_a_week(tmp_path):
    left = tmp_path / ".inpaint_tf-1-2-0badcafe-1-abc"
    left.mkdir()
    files.sweep(tmp_path)
    assert left.exists()
    os.utime(left, (time.time() - 8 * 86400,) * 2)
    files.sweep(tmp_path)
    assert not left.exists()


def test_hidden_files_of_others_are_never_swept(tmp_path):
    (tmp_path / ".inpaint_tfrc").write_bytes(b"mine")
    (tmp_path / ".a.png.tmp").write_bytes(b"mine")
    files.sweep(tmp_path)
    assert len(hidden(tmp_path)) == 2


@pytest.mark.parametrize("exchange", [True, False])
def test_a_folder_is_renewed(tmp_path, monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(files, "_exchange", lambda *_: False)
    for content in (b"1", b"2"):

        def make(path, content=content):
            path.mkdir()
            (path / "x").write_bytes(content)

        files.replace_folder(tmp_path / "preset", make)
        assert (tmp_path / "preset" / "x").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["preset"]


def test_a_folder_moved_out_of_the_way_by_a_killed_process_comes_back(tmp_path, killed):
    files.write_folder(tmp_path / "preset", {"x": b"old"})
    killed(
        "files._exchange = lambda *_: False\nrename, calls = os.replace, []\n"
        "def second(*names):\n calls.append(names)\n if len(calls) == 2: kill()\n rename(*names)\n"
        "os.replace = second\nfiles.replace_folder(folder / 'preset', lambda path: path.mkdir())"
    )
    assert not (tmp_path / "preset").exists()
    files.sweep(tmp_path)
    assert (tmp_path / "preset" / "x").read_bytes() == b"old" and not hidden(tmp_path)


def test_files_come_together_and_the_last_one_last(tmp_path, monkeypatch):
    moved, rename = [], os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (moved.append(os.path.basename(b)), rename(a, b)))
    with files.new_files(tmp_path / "out", last=".index") as partial:
        for name in ("snap.index", "snap.data-00000-of-00001"):
            (partial / name).write_bytes(b"1")
        assert not (tmp_path / "out" / "snap.index").exists()
    assert moved == ["snap.data-00000-of-00001", "snap.index"] and not hidden(tmp_path / "out")


def test_a_folder_in_use_is_refused_and_one_with_leftovers_alone_is_not(tmp_path, killed):
    (tmp_path / "out").mkdir()
    killed("os.replace = kill\nfiles.write_bytes(folder / 'out' / 'a', b'half')")
    files.write_folder(tmp_path / "out", {"x": b"1"})
    with pytest.raises(UserError, match="exists and is not empty"):
        files.write_folder(tmp_path / "out", {"x": b"2"})


def test_owners():
    assert owners.is_dead(owners.token()) is False
    pid, started, machine = owners.token().split("-")
    assert owners.is_dead(f"{pid}-{int(started) + 1}-{machine}") is True  # The number is used again.
    assert owners.is_dead(f"{pid}-{started}-00000000") is None
    assert owners.is_dead("nonsense") is None
