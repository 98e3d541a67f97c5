"""Tar files that lie, plain and compressed."""

from __future__ import annotations

from pathlib import Path

from scoring import Limits
from tests.hostile import craft
from tests.hostile.corpus import FIRST, MISSING, NO_MAP, Corpus, Room

corpus = Corpus()
accepted, refused = corpus.accepted, corpus.refused
SPECIAL = "is a device or another special file; expected a plain file"


def with_more(room: Room, *parts: bytes) -> Path:
    """A sound tar with something behind its maps."""
    return room.raw("maps.tar", craft.plain_tar(room.files()), craft.tar_file(*parts))


def without_first(room: Room, *parts: bytes) -> Path:
    """A tar whose first map comes from `parts`."""
    files = room.files()
    del files[FIRST]
    return room.raw("maps.tar", *parts, craft.tar_file(craft.plain_tar(files)))


@refused("x: is a link; expected a plain file")
def symbolic_link(room: Room) -> Path:
    return with_more(room, craft.tar_header(b"x", kind=b"2", link=b"/etc/passwd"))


@refused("x: is a link; expected a plain file")
def hard_link(room: Room) -> Path:
    return with_more(room, craft.tar_header(b"x", kind=b"1", link=FIRST.encode()))


@refused("a: is a link; expected a plain file", "b: is a link; expected a plain file")
def links_in_a_circle(room: Room) -> Path:
    there = craft.tar_header(b"a", kind=b"2", link=b"b")
    return with_more(room, there, craft.tar_header(b"b", kind=b"2", link=b"a"))


@refused(f"{FIRST}: is a link; expected a plain file", MISSING)
def link_in_place_of_a_map(room: Room) -> Path:
    name = FIRST.encode()
    return without_first(room, craft.tar_header(name, kind=b"1", link=b"part/test/good/0001.png"))


@refused(f"x: {SPECIAL}")
def character_device(room: Room) -> Path:
    return with_more(room, craft.tar_header(b"x", kind=b"3"))


@refused(f"x: {SPECIAL}")
def block_device(room: Room) -> Path:
    return with_more(room, craft.tar_header(b"x", kind=b"4"))


@refused(f"x: {SPECIAL}")
def named_pipe(room: Room) -> Path:
    return with_more(room, craft.tar_header(b"x", kind=b"6"))


@refused(f"x: {SPECIAL}")
def gnu_sparse_file(room: Room) -> Path:
    """A map of holes without end would fill the memory of a reader that follows it."""
    header = craft.tar_header(b"x", kind=b"S", magic=b"ustar  \0")
    holes = (b"%011o\0%011o\0" % (512, 1)) * 21 + b"\1" + bytes(7)
    return with_more(room, header, holes * 2000)


@refused(f"x: {SPECIAL}")
def pax_sparse_file(room: Room) -> Path:
    records = {b"GNU.sparse.major": b"1", b"GNU.sparse.realsize": b"1099511627776"}
    return with_more(room, craft.pax(records), craft.tar_entry(b"x", b"data"))


@refused(f"x: {SPECIAL}", f"y: {SPECIAL}")
def volume_label_and_part_of_a_file(room: Room) -> Path:
    return with_more(room, craft.tar_header(b"x", kind=b"V"), craft.tar_entry(b"y", b"d", b"M"))


@refused("maps.tar.gz: the tar file is damaged (*")
def gzip_within_gzip(room: Room) -> Path:
    inner = craft.gzip_member(craft.plain_tar(room.files()))
    return room.raw("maps.tar.gz", craft.gzip_member(inner))


@refused("maps.tar.gz: the gzip data is cut short")
def gzip_of_ten_million_empty_blocks(room: Room) -> Path:
    """Nothing comes out of them; a reader that waits for something takes its time."""
    head = b"\x1f\x8b\x08" + bytes(6) + b"\x03"
    return room.raw("maps.tar.gz", head, *[b"\0\0\0\xff\xff" * 1_000_000] * 10)


@refused(f"x: {SPECIAL}")
def unknown_kind_of_entry(room: Room) -> Path:
    return with_more(room, craft.tar_entry(b"x", b"data", b"Z"))


@refused("x/: is a folder that holds data")
def folder_with_data(room: Room) -> Path:
    return with_more(room, craft.tar_entry(b"x/", b"data", b"5"))


@refused("maps.tar: the tar file is damaged (a header holds no number where one belongs)")
def negative_size(room: Room) -> Path:
    """Base 256 below zero: who adds it to the position goes round in circles."""
    return with_more(room, craft.tar_header(b"x", (-1024).to_bytes(12, "big", signed=True)))


@refused("maps.tar: the tar file is damaged (a header holds no number where one belongs)")
def size_in_octal_with_a_sign(room: Room) -> Path:
    return with_more(room, craft.tar_header(b"x", b"-0000001000\0"))


@refused("x: announces more bytes than the archive holds (cut short?)")
def size_beyond_every_disk(room: Room) -> Path:
    return with_more(room, craft.tar_header(b"x", b"\x80" + b"\xff" * 11))


@refused("maps.tar: the tar file holds a header of 1,073,741,824 bytes; at most 65,536 are taken")
def long_name_of_a_gigabyte(room: Room) -> Path:
    return with_more(room, craft.tar_header(b"x", 1 << 30, b"L"), bytes(512))


@refused("maps.tar: the tar file holds a header of 1,073,741,824 bytes; at most 65,536 are taken")
def pax_header_of_a_gigabyte(room: Room) -> Path:
    return with_more(room, craft.tar_header(b"x", 1 << 30, b"x"), bytes(512))


@refused("maps.tar: the tar file is damaged (an extended header)")
def pax_record_of_many_digits(room: Room) -> Path:
    """A line of digits that keeps a searching regular expression busy for seconds."""
    return with_more(room, craft.tar_entry(b"x", b"1" * 60_000, b"x"), craft.tar_entry(b"y"))


@refused("maps.tar: the tar file is damaged (an extended header)")
def pax_record_of_length_zero(room: Room) -> Path:
    return with_more(room, craft.tar_entry(b"x", b"0 path=y\n", b"x"), craft.tar_entry(b"y"))


@refused("maps.tar: the tar file is damaged (an extended header)")
def pax_size_that_is_no_number(room: Room) -> Path:
    return with_more(room, craft.pax({b"size": b"-512"}), craft.tar_entry(b"y"))


@refused("x: announces more bytes than the archive holds (cut short?)")
def pax_size_beyond_the_file(room: Room) -> Path:
    return with_more(room, craft.pax({b"size": b"999999999999"}), craft.tar_entry(b"x", b"data"))


@refused("maps.tar: the tar file gives one name or size to all its entries")
def pax_name_for_all_entries(room: Room) -> Path:
    return with_more(room, craft.pax({b"path": b"x"}, b"g"), craft.tar_entry(b"y"))


@refused("../../etc/passwd: has .. in its path; expected a plain relative path", MISSING)
def pax_override_with_dots(room: Room) -> Path:
    header = craft.pax({b"path": b"../../etc/passwd"})
    return without_first(room, header, craft.tar_entry(FIRST.encode(), b"data"))


@refused("x\\x00y: has control characters in its name")
def pax_override_with_nul(room: Room) -> Path:
    return with_more(room, craft.pax({b"path": b"x\0y"}), craft.tar_entry(b"y"))


@refused("maps.tar: holds more than 5000 entries")
def long_names_that_follow_one_another(room: Room) -> Path:
    """A reader that calls itself for each of them runs out of stack."""
    room.limits = Limits(members=5000)
    return room.raw("maps.tar", craft.tar_header(b"x", 0, b"L") * 20_001)


@refused("maps.tar: holds more than 100000 entries")
def two_hundred_thousand_members(room: Room) -> Path:
    return room.raw("maps.tar", *[craft.tar_header(b"x") * 10_000] * 20)


@refused("maps.tar.gz: unpacks to more than 8,388,608 bytes; send a zip file instead")
def two_hundred_thousand_members_packed(room: Room) -> Path:
    """A hundred megabytes of headers in half a megabyte."""
    room.limits = Limits(spool_bytes=8 << 20)
    return room.raw("maps.tar.gz", craft.gzip_member(craft.tar_header(b"x") * 10_000) * 20)


@refused("maps.tar.gz: holds more than 100000 gzip members")
def gzip_members_of_nothing(room: Room) -> Path:
    return room.raw("maps.tar.gz", craft.gzip_member(b"") * 200_000)


@refused("maps.tar.gz: unpacks to more than 2,097,152 bytes; send a zip file instead")
def gzip_bomb(room: Room) -> Path:
    room.limits = Limits(spool_bytes=2 << 20)
    return room.raw("maps.tar.gz", craft.gzip_member(bytes(1 << 24)) * 256)


@refused("maps.tar.gz: the gzip data is cut short")
def gzip_cut_short(room: Room) -> Path:
    return room.raw("maps.tar.gz", craft.gzip_member(craft.plain_tar(room.files()))[:-60])


@refused("maps.tar.gz: the gzip data is damaged (*")
def gzip_damaged(room: Room) -> Path:
    whole = craft.gzip_member(craft.plain_tar(room.files()))
    return room.raw("maps.tar.gz", whole[:200], b"\xff" * 50, whole[250:])


@refused("maps.tar.gz: the gzip data is damaged (*")
def gzip_with_more_behind_it(room: Room) -> Path:
    whole = craft.gzip_member(craft.tar_file(craft.plain_tar(room.files())))
    return room.raw("maps.tar.gz", whole, b"more")


@refused("maps.tar.gz" + NO_MAP)
def gzip_of_nothing(room: Room) -> Path:
    return room.raw("maps.tar.gz", craft.gzip_member(b""))


@refused("maps.tar: the tar file is cut short")
def cut_within_a_header(room: Room) -> Path:
    whole = craft.plain_tar(room.files())
    return room.raw("maps.tar", whole, craft.tar_header(b"x")[:300])


@refused("part/test/missing/0000.png: announces more bytes than *", "part/test/missing/0000: *")
def cut_within_the_last_map(room: Room) -> Path:
    return room.raw("maps.tar", craft.plain_tar(room.files())[:-400])


@refused("maps.tar: the tar file is damaged (a header does not match its checksum)")
def header_with_a_wrong_checksum(room: Room) -> Path:
    header = bytearray(craft.tar_header(b"x"))
    header[0] = ord("y")
    return with_more(room, bytes(header))


@refused("maps.tar" + NO_MAP)
def empty_tar(room: Room) -> Path:
    return room.raw("maps.tar", bytes(10_240))


@accepted()
def plain_and_compressed_tar(room: Room) -> Path:
    return room.raw("maps.tar.gz", craft.gzip_member(craft.tar_file(craft.plain_tar(room.files()))))


@accepted()
def tar_named_as_a_zip(room: Room) -> Path:
    return room.tar(room.files(), "maps.zip")


@accepted()
def several_gzip_members_and_zeros_behind(room: Room) -> Path:
    whole = craft.tar_file(craft.plain_tar(room.files()))
    parts = [craft.gzip_member(whole[at : at + 700]) for at in range(0, len(whole), 700)]
    return room.raw("maps.tar.gz", *parts, bytes(5000))


@accepted()
def pax_overrides_of_name_and_size(room: Room) -> Path:
    parts = []
    for name, data in room.files().items():
        parts.append(craft.pax({b"path": name.encode(), b"size": b"%d" % len(data)}))
        header = craft.tar_header(b"elsewhere.txt", 0)
        parts.append(header + data + bytes(-len(data) % 512))
    return room.raw("maps.tar", craft.tar_file(craft.pax({b"comment": b"x"}, b"g"), *parts))


@accepted()
def gnu_long_names_and_base_256_sizes(room: Room) -> Path:
    parts, magic, top = [], b"ustar  \0", b"t" * 200
    for name, data in room.files().items():
        parts.append(craft.tar_entry(b"././@LongLink", top + b"/" + name.encode() + b"\0", b"L"))
        size = b"\x80" + len(data).to_bytes(11, "big")
        header = craft.tar_header(top[:99], size, magic=magic, prefix=b"13371337")
        parts.append(header + data + bytes(-len(data) % 512))
    return room.raw("maps.tar", craft.tar_file(*parts))


@accepted()
def ustar_prefix_and_leading_dots(room: Room) -> Path:
    parts = [craft.tar_entry(b"./", kind=b"5"), craft.tar_entry(b"./part/", kind=b"5")]
    for name, data in room.files().items():
        folder, _, last = name.rpartition("/")
        parts.append(craft.tar_entry(last.encode(), data, prefix=b"./" + folder.encode()))
    return room.raw("maps.tar", craft.tar_file(*parts))


@accepted()
def tar_with_a_zip_behind_it(room: Room) -> Path:
    """The first bytes tell what it is; a zip reader would find other files at its end."""
    other = craft.zip_file([craft.Entry(b"other.png", b"x")])
    return with_more(room, bytes(1024), other)
