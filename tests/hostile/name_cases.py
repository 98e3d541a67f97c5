"""Names and places that no map may have, and archives that are none."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from tests.hostile import craft
from tests.hostile.corpus import FIRST, MISSING, NO_MAP, NOT_HERE, Corpus, HostileName, Room

corpus = Corpus()
accepted, refused = corpus.accepted, corpus.refused


def bad_name(name: bytes, line: str, *, tar: bool = True) -> None:
    """The name is refused with this line, in a zip and, where it can stand in one, in a tar."""
    corpus.names.append(HostileName(name, line, tar))


ABSOLUTE = "has an absolute path; expected one relative to the archive"
DOTS = "has .. in its path; expected a plain relative path"
EMPTY = "has an empty part in its path; expected a plain relative path"
CONTROL = "has control characters in its name"
NOT_UTF8 = "has a name that is not UTF-8"

bad_name(b"/etc/passwd", f"/etc/passwd: {ABSOLUTE}")
bad_name(b".//etc/passwd", f"/etc/passwd: {EMPTY}")
bad_name(b"C:/maps/x.png", f"C:/maps/x.png: {ABSOLUTE}")
bad_name(b"./c:x.png", f"c:x.png: {ABSOLUTE}")
bad_name(b"../x.png", f"../x.png: {DOTS}")
bad_name(b"part/test/../../../x.png", f"part/test/../../../x.png: {DOTS}")
bad_name(b"./..", f"..: {DOTS}")
bad_name(b"part//test/x.png", f"part//test/x.png: {EMPTY}")
bad_name(b"part/./test/x.png", f"part/./test/x.png: {EMPTY}")
bad_name(
    b"part\\test\\x.png",
    "part\\test\\x.png: has a backslash in its name; expected / between folders",
)
bad_name(FIRST.encode() + b"\0.txt", f"{FIRST}\\x00.txt: {CONTROL}")
bad_name(b"x\x1b[31m.png", f"x\\x1b[31m.png: {CONTROL}")
bad_name(b"x\ny", f"x\\ny: {CONTROL}")
bad_name("x\x85y".encode(), f"x\\x85y: {CONTROL}")
bad_name(b"\xff\xfe.png", f"\\udcff\\udcfe.png: {NOT_UTF8}")
bad_name(b"\xed\xa0\x80.png", f"\\udced\\udca0\\udc80.png: {NOT_UTF8}")
bad_name(b"n" * 1100, f"{'n' * 197}...: has a name of 1,100 bytes; at most 1,024 are taken")
bad_name("x\u202egnp.exe".encode(), f"x\\u202egnp.exe: {NOT_HERE}")
MARKS = "\u0301\u0323" * 16
bad_name(b"x" + MARKS.encode(), f"x{MARKS}: has more than 30 combining marks in a row in its name")
bad_name(b"", f": {NOT_HERE}", tar=False)
bad_name(b"part/test/GOOD/0000.png", f"part/test/GOOD/0000.png: is a duplicate of {FIRST}")
bad_name(b"part/test/good/0000.tiff", "part/test/good/0000.tiff: is a second map of one image, *")
bad_name(b"./" + FIRST.encode(), f"{FIRST}: is a duplicate of {FIRST}")
bad_name(b"part/test/good/0000", f"part/test/good/0000: {NOT_HERE}")
bad_name(b"part/test/good/.png", f"part/test/good/.png: {NOT_HERE}")
bad_name(b"part/test/0000.png", f"part/test/0000.png: {NOT_HERE}")
bad_name(b"part/image_scores.csv", f"part/image_scores.csv: {NOT_HERE}")
bad_name(
    b"run_01/part/x.png",
    "run_01/part/x.png: 'run_01' is no category of this dataset (1 such files); "
    "expected other, part",
)
bad_name(
    b"run_-1/part/x.png",
    "run_-1/part/x.png: 'run_-1' is no category of this dataset (1 such files); "
    "expected other, part",
)


@refused(
    "cafe\u0301/part/x.png: is a duplicate of caf\u00e9/part/x.png",
    "caf\u00e9/part/x.png: 'caf\u00e9' is no category of this dataset (1 such files); "
    "expected other, part",
)
def equal_up_to_unicode_form(room: Room) -> Path:
    files = {"caf\u00e9/part/x.png": b"", "cafe\u0301/part/x.png": b""}
    return room.zip({**room.files(), **files})


@refused("Küche.png: has a name that is not UTF-8")
def name_in_an_old_code_page(room: Room) -> Path:
    made = [*craft.entries(room.files()), craft.Entry("Küche.png".encode("cp437"))]
    return room.raw("maps.zip", craft.zip_file(made))


@refused("STRASSE.png: is a duplicate of straße.png", f"straße.png: {NOT_HERE}")
def equal_up_to_case_folding(room: Room) -> Path:
    return room.zip({**room.files(), "straße.png": b"", "STRASSE.png": b""})


@refused(f"{FIRST}: stands beside run folders; expected all maps in run_<k>/, or none")
def runs_beside_bare_categories(room: Room) -> Path:
    files = room.files()
    return room.zip({**{f"run_1/{name}": data for name, data in files.items()}, **files})


@refused("run_7/image_scores.csv: stands in a run without maps")
def scores_of_a_run_without_maps(room: Room) -> Path:
    files = {f"run_1/{name}": data for name, data in room.files().items()}
    return room.zip({**files, "run_7/image_scores.csv": b"category,image,score"})


@refused("maps.zip: holds 11 runs; at most 10 are taken")
def more_runs_than_the_limit(room: Room) -> Path:
    files = room.files().items()
    return room.zip({f"run_{run}/{name}": data for run in range(11) for name, data in files})


@refused("maps.zip: holds 9999 runs; at most 10 are taken")
def ten_thousand_runs_of_one_map(room: Room) -> Path:
    names = (f"run_{run}/{FIRST}".encode() for run in range(1, 10_000))
    return room.raw("maps.zip", craft.zip_file([craft.Entry(name) for name in names]))


@refused("maps.zip" + NO_MAP)
def only_ignored_files(room: Room) -> Path:
    return room.zip({"__MACOSX/part/._x.png": b"x", ".DS_Store": b"x", "part/Thumbs.db": b"x"})


@refused("maps.zip: is no archive; expected a .zip, .tar or .tar.gz file")
def empty_file(room: Room) -> Path:
    return room.raw("maps.zip")


@refused("maps.zip: is no archive; expected a .zip, .tar or .tar.gz file")
def another_kind_of_archive(room: Room) -> Path:
    return room.raw("maps.zip", b"7z\xbc\xaf\x27\x1c" + bytes(600))


@refused("environ: is no archive; expected a .zip, .tar or .tar.gz file")
def file_that_the_kernel_makes_up(room: Room) -> Path:
    return Path("/proc/self/environ")


@refused("zero: is no plain file; expected a .zip, .tar or .tar.gz file")
def device_without_end(room: Room) -> Path:
    return Path("/dev/zero")


@refused("maps.zip: is no plain file; expected a .zip, .tar or .tar.gz file")
def named_pipe_for_an_archive(room: Room) -> Path:
    os.mkfifo(room.root / "maps.zip")
    return room.root / "maps.zip"


@refused("maps.zip: cannot be opened: No such file or directory")
def archive_that_is_not_there(room: Room) -> Path:
    return room.root / "maps.zip"


def folder(room: Room) -> Path:
    for name, data in room.files().items():
        path = room.root / "maps" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return room.root / "maps"


def special_file(make: Callable[[Path], object]) -> Callable[[Room], Path]:
    def build(room: Room) -> Path:
        root = folder(room)
        (root / FIRST).unlink()
        make(root / FIRST)
        return root

    return build


LINK = f"{FIRST}: is a link or a special file; expected a plain file"


@refused(LINK, MISSING)
def folder_with_a_link(room: Room) -> Path:
    return special_file(lambda path: path.symlink_to("0001.png"))(room)


@refused(LINK, MISSING)
def folder_with_a_named_pipe(room: Room) -> Path:
    return special_file(os.mkfifo)(room)


@refused(LINK, MISSING)
def folder_with_a_socket(room: Room) -> Path:
    def listen(path: Path) -> None:
        here = os.getcwd()
        os.chdir(path.parent)  # a socket's path may have 108 bytes only
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
        os.chdir(here)
        assert stat.S_ISSOCK(path.stat().st_mode)

    return special_file(listen)(room)


@refused("more: is a link or a special file; expected a plain file")
def folder_with_a_linked_folder(room: Room) -> Path:
    root = folder(room)
    (root / "more").symlink_to(room.root)
    return root


@refused("\\udcff.png: has a name that is not UTF-8")
def folder_with_a_name_that_is_not_utf8(room: Room) -> Path:
    root = folder(room)
    Path(os.fsdecode(os.fsencode(root) + b"/\xff.png")).write_bytes(b"")
    return root


@accepted()
def plain_folder(room: Room) -> Path:
    return folder(room)


@accepted()
def one_top_folder_and_ignored_files(room: Room) -> Path:
    files = {f"Ergebnisse (Küche)/{name}": data for name, data in room.files().items()}
    return room.zip({**files, "__MACOSX/x": b"", "Ergebnisse (Küche)/part/.DS_Store": b""})


@accepted()
def top_folder_that_looks_like_a_run(room: Room) -> Path:
    return room.zip({f"run_01/{name}": data for name, data in room.files().items()})


@accepted()
def extensions_in_capitals(room: Room) -> Path:
    return room.zip({name.replace(".png", ".PNG"): data for name, data in room.files().items()})
