"""Zip files that lie."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.hostile import craft
from tests.hostile.corpus import FIRST, MISSING, NO_MAP, NOT_HERE, Corpus, Room
from tests.hostile.craft import Entry

corpus = Corpus()
accepted, refused = corpus.accepted, corpus.refused


def with_first(room: Room, **changes: object) -> Path:
    """A sound archive but for the first map's entry."""
    files = room.files()
    entry = Entry(FIRST.encode(), files.pop(FIRST), **changes)
    return room.raw("maps.zip", craft.zip_file([entry, *craft.entries(files)]))


@refused(f"{FIRST}: unpacks to 1,073,741,824 bytes; at most 73,216 are taken")
def flat_bomb(room: Room) -> Path:
    return with_first(room, packed=craft.deflate_zeros(1024), size=1 << 30)


@refused(f"{FIRST}: unpacks to more than the 300 bytes announced")
def bomb_that_announces_little(room: Room) -> Path:
    return with_first(room, packed=craft.deflate_zeros(64), size=300)


@refused(f"bomb.zip: {NOT_HERE}")
def nested_bomb(room: Room) -> Path:
    inner = craft.zip_file([Entry(b"0", packed=craft.deflate_zeros(256), size=1 << 28)])
    for level in range(3):
        inner = craft.zip_file([Entry(b"%d-%d.zip" % (level, copy), inner) for copy in range(4)])
    return room.zip({**room.files(), "bomb.zip": inner})


@refused("maps.zip: entries of the zip file overlap")
def twenty_kilobytes_that_declare_two_gigabytes(room: Room) -> Path:
    """Each entry's data holds the next entry, as one stored block of deflate; the last, the bomb.

    After D. Fifield, "A better zip bomb" (2019).
    """
    kernel = craft.deflate_zeros(8)
    entries = [Entry(b"000", packed=kernel, size=8 << 20, crc=0, compressed=len(kernel))]
    body = craft.local_header(entries[0]) + kernel
    for index in range(1, 250):
        header = craft.local_header(entries[-1])
        quote = struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF)
        last = entries[-1]
        entry = Entry(
            b"%03d" % index,
            size=last.size + len(header),
            compressed=last.compressed + len(header) + len(quote),
            crc=0,
        )
        entries.append(entry)
        body = craft.local_header(entry) + quote + body
    at = 0
    for entry in reversed(entries):
        entry.at = at
        at += len(craft.local_header(entry)) + 5
    directory = b"".join(map(craft.central_header, entries))
    whole = body + directory + craft.end_record(len(entries), len(directory), len(body))
    assert len(whole) < 40_000
    assert sum(entry.size for entry in entries) > 2e9
    return room.raw("maps.zip", whole)


@refused("maps.zip: entries of the zip file overlap")
def two_members_that_share_their_data(room: Room) -> Path:
    """The second entry's header lies within the first one's data."""
    inner = craft.local_header(Entry(b"b", data=b"x", size=1, compressed=1, crc=0, method=0)) + b"x"
    first = Entry(b"a", inner, method=0)
    second = Entry(b"b", size=1, compressed=1, crc=0, method=0, at=31)
    return room.raw("maps.zip", craft.zip_file([first, second]))


@refused("maps.zip: entries of the zip file overlap")
def one_entry_listed_twice(room: Room) -> Path:
    twin = Entry(b"x", b"data", at=0)
    return room.raw("maps.zip", craft.zip_file([Entry(b"x", b"data"), twin]))


@refused("maps.zip: the archive announces 10000000 entries; at most 100000 are taken")
def ten_million_members_declared(room: Room) -> Path:
    body, directory = craft.zip_body(craft.entries(room.files()))
    end = craft.end64(10_000_000, len(directory), len(body), len(body) + len(directory))
    classic = craft.end_record(0xFFFF, craft.MAX32, craft.MAX32)
    return room.raw("maps.zip", body, directory, end, classic)


def many_members(count: int) -> tuple[bytes, bytes]:
    body = b"".join(
        craft.local_header(Entry(b"%06d" % index, crc=0, method=0)) for index in range(count)
    )
    entry = craft.central_header(Entry(b"", crc=0, method=0, size=0, compressed=0, at=0))[:28]
    tail = struct.Struct("<5H2I6s")
    directory = b"".join(
        entry + tail.pack(6, 0, 0, 0, 0, 0, 36 * index, b"%06d" % index) for index in range(count)
    )
    return body, directory


@refused("maps.zip: the archive announces 200000 entries; at most 100000 are taken")
def two_hundred_thousand_real_members(room: Room) -> Path:
    body, directory = many_members(200_000)
    end = craft.end64(200_000, len(directory), len(body), len(body) + len(directory))
    classic = craft.end_record(0xFFFF, craft.MAX32, craft.MAX32)
    return room.raw("maps.zip", body, directory, end, classic)


@refused(
    *(f"part/test/good/{index:06}.png: belongs to no test image of part" for index in range(50)),
    "... and 99940 more",
)
def as_many_members_as_the_limit(room: Room) -> Path:
    names = (b"part/test/good/%06d.png" % index for index in range(99_990))
    made = [craft.Entry(name, crc=0, method=0) for name in names]
    body, directory = craft.zip_body([*made, *craft.entries(room.files())])
    end = craft.end64(99_995, len(directory), len(body), len(body) + len(directory))
    classic = craft.end_record(0xFFFF, craft.MAX32, craft.MAX32)
    return room.raw("maps.zip", body, directory, end, classic)


@refused("maps.zip: the zip directory holds more than the 3 entries announced")
def many_members_behind_a_small_count(room: Room) -> Path:
    body, directory = many_members(100_000)
    return room.raw("maps.zip", body, directory, craft.end_record(3, len(directory), len(body)))


@refused("maps.zip: the zip directory announces 29,360,128 bytes; at most 17,588,608 are taken")
def directory_that_fills_the_memory(room: Room) -> Path:
    size = 28 << 20
    return room.raw("maps.zip", b"PK\3\4", bytes(size - 4), craft.end_record(1, size, 0))


@refused("maps.zip: holds names of more than 8,388,608 characters together")
def names_that_fill_the_memory(room: Room) -> Path:
    """One wide character makes all of a name's characters four bytes each."""
    names = (b"%06d" % index + "\U0001f600".encode() + b"a" * 1000 for index in range(8_500))
    return room.raw("maps.zip", craft.zip_file([Entry(name, method=0) for name in names]))


@refused("maps.zip: the zip directory is damaged or cut short")
def fewer_members_than_declared(room: Room) -> Path:
    return room.raw("maps.zip", craft.zip_file(craft.entries(room.files()), count=6))


@refused("maps.zip: entries of the zip file overlap")
def huge_declared_packed_size(room: Room) -> Path:
    return with_first(room, compressed=0xFFFFFFF0)


@refused("maps.zip: an entry of the zip file runs into the directory (cut short?)")
def huge_declared_packed_size_of_the_last_entry(room: Room) -> Path:
    *files, last = craft.entries(room.files())
    last.compressed = 0xFFFFFFF0
    return room.raw("maps.zip", craft.zip_file([*files, last]))


@refused("maps.zip: entries of the zip file overlap")
def declared_size_that_reaches_into_the_next_member(room: Room) -> Path:
    return with_first(room, compressed=4000)


@refused(f"{FIRST}: unpacks to 4,294,967,280 bytes; at most 73,216 are taken")
def huge_declared_size(room: Room) -> Path:
    return with_first(room, size=0xFFFFFFF0)


@refused(f"{FIRST}: unpacks to 18,446,744,073,709,551,615 bytes; at most 73,216 are taken")
def zip64_size_of_sixteen_exabytes(room: Room) -> Path:
    extra = struct.pack("<2HQ", 1, 8, 2**64 - 1)
    return with_first(room, size=craft.MAX32, extra=extra)


@refused("maps.zip: an entry's zip64 sizes are missing")
def zip64_size_without_its_field(room: Room) -> Path:
    return with_first(room, size=craft.MAX32, extra=struct.pack("<2H", 1, 8))


@refused("maps.zip: the zip directory points at 18446744073709551615, where no entry begins")
def zip64_offset_beyond_every_file(room: Room) -> Path:
    extra = struct.pack("<2HQ", 1, 8, 2**64 - 1)
    files = craft.entries(room.files())
    lost = Entry(b"x", at=craft.MAX32, extra=extra)
    return room.raw("maps.zip", craft.zip_file([*files, lost]))


@refused("maps.zip: the zip64 end record cannot be found")
def zip64_end_record_that_is_not_there(room: Room) -> Path:
    body, directory = craft.zip_body(craft.entries(room.files()))
    return room.raw("maps.zip", body, directory, craft.end_record(5, len(directory), craft.MAX32))


@refused("maps.zip: the zip64 end record cannot be found")
def zip64_locator_that_points_beyond_the_file(room: Room) -> Path:
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, 2**63, 1)
    end = craft.end_record(0xFFFF, craft.MAX32, craft.MAX32)
    return room.raw("maps.zip", b"PK\3\4", locator, end)


@refused("maps.zip: the zip directory does not end where its end record begins")
def second_directory_behind_the_first(room: Room) -> Path:
    """One reader sees the zip64 directory, another the classic one."""
    body, directory = craft.zip_body(craft.entries(room.files()))
    _, other = craft.zip_body([Entry(b"other")])
    end = craft.end64(1, len(other), len(body) + len(directory), len(body) + len(directory + other))
    return room.raw(
        "maps.zip", body, directory, other, end, craft.end_record(5, len(directory), len(body))
    )


@refused("maps.zip: the zip file is one part of several; expected a single file")
def one_disk_of_several(room: Room) -> Path:
    whole = bytearray(craft.zip_file(craft.entries(room.files())))
    whole[-18] = 1
    return room.raw("maps.zip", bytes(whole))


@refused(f"{FIRST}: does not match the archive's checksum (damaged?)")
def wrong_crc(room: Room) -> Path:
    return with_first(room, crc=1)


@refused(f"{FIRST}: cannot be unpacked (*")
def damaged_deflate_data(room: Room) -> Path:
    return with_first(room, packed=b"\xff" * 40)


@refused(f"{FIRST}: holds 40 bytes where *")
def deflate_data_that_ends_early(room: Room) -> Path:
    return with_first(room, packed=craft.deflate(bytes(40)))


@refused(f"{FIRST}: takes 200,000 bytes packed; expected fewer than unpacked")
def more_packed_than_unpacked(room: Room) -> Path:
    """Else reading it would take as much memory as the archive is large."""
    return with_first(room, packed=bytes(200_000))


@refused("maps.zip: the zip file has no directory at its end (cut short?)")
def cut_within_the_directory(room: Room) -> Path:
    whole = craft.zip_file(craft.entries(room.files()))
    return room.raw("maps.zip", whole[:-60])


@refused("maps.zip: the zip directory does not end where its end record begins")
def directory_with_bytes_cut_out(room: Room) -> Path:
    whole = craft.zip_file(craft.entries(room.files()))
    return room.raw("maps.zip", whole[:-120], whole[-100:])


@refused("maps.zip: the zip file has no directory at its end (cut short?)")
def cut_within_the_data(room: Room) -> Path:
    return room.raw("maps.zip", craft.zip_file(craft.entries(room.files()))[:700])


@refused("maps.zip: the zip file has no directory at its end (cut short?)")
def bytes_behind_the_end(room: Room) -> Path:
    return room.raw("maps.zip", craft.zip_file(craft.entries(room.files())), b"more")


@refused(f"{FIRST}: is encrypted; expected a plain file", MISSING)
def encrypted(room: Room) -> Path:
    return with_first(room, flags=1)


@refused(f"{FIRST}: is encrypted; expected a plain file", MISSING)
def directory_encrypted_by_mask(room: Room) -> Path:
    return with_first(room, flags=1 << 13)


@refused(f"{FIRST}: is compressed by zip method 12; expected stored (0) or deflate (8)", MISSING)
def compressed_by_bzip2(room: Room) -> Path:
    return with_first(room, method=12)


@refused(f"{FIRST}: is compressed by zip method 9; expected stored (0) or deflate (8)", MISSING)
def compressed_by_deflate64(room: Room) -> Path:
    return with_first(room, method=9)


@refused(f"{FIRST}: is stored but announces two different sizes", MISSING)
def stored_with_two_sizes(room: Room) -> Path:
    return with_first(room, method=0, size=30)


@refused(f"{FIRST}: is a symbolic link; expected a plain file", MISSING)
def symbolic_link(room: Room) -> Path:
    return with_first(room, made_by=3 << 8, attributes=0o120777 << 16)


@refused(f"{FIRST}: is a device or another special file; expected a plain file", MISSING)
def device(room: Room) -> Path:
    return with_first(room, made_by=3 << 8, attributes=0o060644 << 16)


@refused(f"{FIRST}: is a device or another special file; expected a plain file", MISSING)
def named_pipe(room: Room) -> Path:
    return with_first(room, made_by=3 << 8, attributes=0o010644 << 16)


@refused(f"{FIRST}: is marked as a folder but named as a file; expected a plain file", MISSING)
def file_marked_as_a_folder(room: Room) -> Path:
    return with_first(room, made_by=3 << 8, attributes=0o040755 << 16)


@refused("part/: is a folder that holds data")
def folder_with_data(room: Room) -> Path:
    files = craft.entries(room.files())
    return room.raw("maps.zip", craft.zip_file([Entry(b"part/", b"data", method=0), *files]))


@refused("maps.zip: an entry is named otherwise in the zip directory than where it lies")
def two_names_for_one_entry(room: Room) -> Path:
    return with_first(room, local_name=b"../../etc/passwd")


@refused("maps.zip" + NO_MAP)
def empty_zip(room: Room) -> Path:
    return room.raw("maps.zip", craft.end_record(0, 0, 0))


@accepted()
def stored_and_deflated_entries(room: Room) -> Path:
    made = [
        Entry(name.encode(), data, method=8 * (index % 2))
        for index, (name, data) in enumerate(room.files().items())
    ]
    return room.raw("maps.zip", craft.zip_file(made))


@accepted()
def data_descriptors(room: Room) -> Path:
    """As a writer does that cannot seek: sizes and checksum follow the data."""
    made = craft.entries(room.files())
    for entry in made:
        entry.flags, entry.after = 8, b"PK\7\x08" + bytes(12)
    return room.raw("maps.zip", craft.zip_file(made))


@accepted()
def zip64_sizes_and_end_record(room: Room) -> Path:
    made = craft.entries(room.files())
    body, _ = craft.zip_body(made)
    for entry in made:
        entry.extra = struct.pack("<2H3Q", 1, 24, entry.size, entry.compressed, entry.at)
        entry.size = entry.compressed = entry.at = craft.MAX32
    directory = b"".join(map(craft.central_header, made))
    end = craft.end64(5, len(directory), len(body), len(body) + len(directory))
    classic = craft.end_record(0xFFFF, craft.MAX32, craft.MAX32)
    return room.raw("maps.zip", body, directory, end, classic)


@accepted()
def comment_that_holds_an_end_record(room: Room) -> Path:
    comment = craft.end_record(0, 0, 0) + b"which does not reach to the file's end"
    return room.raw("maps.zip", craft.zip_file(craft.entries(room.files()), comment))


@refused("maps.zip: the zip directory does not end where its end record begins")
def comment_that_is_an_end_record(room: Room) -> Path:
    comment = craft.end_record(0, 0, 0)
    return room.raw("maps.zip", craft.zip_file(craft.entries(room.files()), comment))


@accepted()
def wrong_extension(room: Room) -> Path:
    return room.zip(room.files(), "maps.tar.gz")


@accepted()
def zip_that_begins_as_a_tar(room: Room) -> Path:
    """The first bytes tell what it is; a tar reader would find one file of another name."""
    fake = bytearray(craft.tar_header(b"PK\3\4"))
    files = craft.entries(room.files())
    first = Entry(b"__MACOSX/" + bytes(fake[39:]).replace(b"\0", b"0"))
    return room.raw("maps.zip", craft.zip_file([first, *files]))
