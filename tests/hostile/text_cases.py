"""`image_scores.csv` and `submission.json` that lie."""

from __future__ import annotations

import json
from pathlib import Path

from tests.hostile import craft
from tests.hostile.corpus import KEYS, Corpus, Room

corpus = Corpus()
accepted, refused = corpus.accepted, corpus.refused
ROWS = [f"part,{key},{index}" for index, key in enumerate(KEYS)]
SCORES, LAST = "image_scores.csv", f"part, {KEYS[-1]}"
FINITE = "expected a finite number"


def scores(room: Room, *rows: str | bytes) -> Path:
    """Sound maps with a table of these rows."""
    lines = [row if isinstance(row, bytes) else row.encode() for row in rows]
    return room.zip({**room.files(), SCORES: b"\n".join([b"category,image,score", *lines])})


def with_member(room: Room, entry: craft.Entry) -> Path:
    return room.raw("maps.zip", craft.zip_file([*craft.entries(room.files()), entry]))


@refused(f"{SCORES}: has no score for {LAST}; expected all images of a category or none")
def missing_image(room: Room) -> Path:
    return scores(room, *ROWS[:-1])


@refused(f"{SCORES} line 7: is a second score for part, {KEYS[0]}")
def duplicated_image(room: Room) -> Path:
    return scores(room, *ROWS, ROWS[0])


@refused(f"{SCORES} line 7: names 'part', 'good/9999', which is no test image")
def unknown_image(room: Room) -> Path:
    return scores(room, *ROWS, "part,good/9999,1")


@refused(f"{SCORES} line 6: has the score 'high'; {FINITE}")
def text_for_a_score(room: Room) -> Path:
    return scores(room, *ROWS[:-1], f"part,{KEYS[-1]},high")


@refused(f"{SCORES} line 6: has the score '=1+1'; {FINITE}")
def formula_for_a_score(room: Room) -> Path:
    return scores(room, *ROWS[:-1], f"part,{KEYS[-1]},=1+1")


@refused(f"{SCORES} line 7: names '=HYPERLINK(0)', '@SUM(A1)', which is no test image")
def formula_for_a_name(room: Room) -> Path:
    return scores(room, *ROWS, "=HYPERLINK(0),@SUM(A1),1")


@refused(f"{SCORES} line 6: has the score 'nan'; {FINITE}")
def not_a_number(room: Room) -> Path:
    return scores(room, *ROWS[:-1], f"part,{KEYS[-1]},nan")


@refused(f"{SCORES} line 6: has the score '1e999'; {FINITE}")
def number_beyond_every_range(room: Room) -> Path:
    return scores(room, *ROWS[:-1], f"part,{KEYS[-1]},1e999")


@refused(f"{SCORES} line 6: has the score '{'1' * 40}'; {FINITE}")
def number_of_many_digits(room: Room) -> Path:
    return scores(room, *ROWS[:-1], f"part,{KEYS[-1]},{'1' * 5000}")


@refused(f"{SCORES} line 6: has the score '\u0661'; {FINITE}")
def digits_of_another_script(room: Room) -> Path:
    """Python takes them for numbers; other programs do not."""
    return scores(room, *ROWS[:-1], f"part,{KEYS[-1]},\u0661")


@refused(f"{SCORES} line 6: has the score '1_0'; {FINITE}")
def digits_with_an_underscore(room: Room) -> Path:
    return scores(room, *ROWS[:-1], f"part,{KEYS[-1]},1_0")


@refused(f"{SCORES} line 7: names 'part', 'x\\x1b[2J', which is no test image")
def name_that_clears_a_terminal(room: Room) -> Path:
    return scores(room, *ROWS, "part,x\x1b[2J,1")


@refused(f"{SCORES}: cannot be read (*")
def table_that_is_not_utf8(room: Room) -> Path:
    return scores(room, *ROWS, b"\xff\xfe")


@refused(
    f"{SCORES}: cannot be read (unpacks to 1,073,741,824 bytes; at most 22,528 are taken); "
    "expected UTF-8 text"
)
def line_of_a_gigabyte(room: Room) -> Path:
    packed = craft.deflate_zeros(1024)
    return with_member(room, craft.Entry(SCORES.encode(), packed=packed, size=1 << 30))


@refused(
    f"{SCORES}: cannot be read (unpacks to more than the 300 bytes announced); expected UTF-8 text"
)
def line_that_announces_little(room: Room) -> Path:
    packed = craft.deflate_zeros(64)
    return with_member(room, craft.Entry(SCORES.encode(), packed=packed, size=300))


@refused(
    f"{SCORES}: cannot be read (unpacks to 1,073,741,824 bytes; at most 22,528 are taken); "
    "expected UTF-8 text"
)
def line_of_a_gigabyte_in_a_tar(room: Room) -> Path:
    """A file with a hole in it: takes no room on the disk."""
    header = craft.tar_header(SCORES.encode(), 1 << 30)
    path = room.raw("maps.tar", craft.plain_tar(room.files()), header)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + (1 << 30))
    return path


@refused(f"{SCORES} line 7: is no CSV (*")
def quote_that_never_closes(room: Room) -> Path:
    return scores(room, *ROWS, 'part,"good/0000,1')


@refused(
    *(f"{SCORES} line {line}: has 1 fields; expected 3" for line in range(2, 52)),
    "... and 70 more",
)
def table_of_thousands_of_bad_lines(room: Room) -> Path:
    """It is not read to its end."""
    return room.zip({**room.files(), SCORES: b"category,image,score\n" + b"a\n" * 10_000})


@refused(f"{SCORES}: does not begin with the line category,image,score")
def table_without_its_heading(room: Room) -> Path:
    return room.zip({**room.files(), SCORES: "\n".join(ROWS).encode()})


@refused("submission.json: cannot be read (Expecting value: *")
def metadata_that_is_no_json(room: Room) -> Path:
    return room.zip({**room.files(), "submission.json": b"method: PatchCore"})


@refused("submission.json: cannot be read (maximum recursion depth exceeded*")
def metadata_of_brackets_within_brackets(room: Room) -> Path:
    return room.zip({**room.files(), "submission.json": b"[" * 60_000})


@refused("submission.json: is no JSON object")
def metadata_that_is_a_list(room: Room) -> Path:
    return room.zip({**room.files(), "submission.json": b"[1]"})


@refused("submission.json: cannot be read (Exceeds the limit (4300 digits)*")
def metadata_with_a_number_of_many_digits(room: Room) -> Path:
    return room.zip({**room.files(), "submission.json": b'{"seed": ' + b"1" * 5000 + b"}"})


@refused("submission.json: cannot be read ('utf-8' codec*")
def metadata_that_is_not_utf8(room: Room) -> Path:
    return room.zip({**room.files(), "submission.json": b'{"method": "\xff"}'})


@refused("submission.json: cannot be read (Out of range float values are not JSON compliant*")
def metadata_with_a_number_that_is_none(room: Room) -> Path:
    return room.zip({**room.files(), "submission.json": b'{"seed": NaN, "train_seconds": 1e999}'})


@refused("submission.json: cannot be read ('utf-8' codec*")
def metadata_with_half_a_character(room: Room) -> Path:
    return room.zip({**room.files(), "submission.json": b'{"method": "\\ud800"}'})


@refused("submission.json: cannot be read (holds a NUL character); expected a JSON object")
def metadata_with_a_nul(room: Room) -> Path:
    return room.zip({**room.files(), "submission.json": b'{"method": "\\u0000"}'})


@refused(
    "submission.json: cannot be read (unpacks to 67,108,864 bytes; at most 65,536 are taken); "
    "expected a JSON object"
)
def metadata_of_many_megabytes(room: Room) -> Path:
    packed = craft.deflate_zeros(64)
    return with_member(room, craft.Entry(b"submission.json", packed=packed, size=64 << 20))


@accepted()
def metadata_of_any_words(room: Room) -> Path:
    """Nothing in it reaches the scores."""
    text = json.dumps({"method": "=cmd()", "scores": {"image_auroc": 1}, "\u202e": "<script>"})
    return room.zip({**room.files(), "submission.json": text.encode()})


@accepted()
def table_of_the_maxima_themselves(room: Room) -> Path:
    """With a byte-order mark, and line ends as another system writes them."""
    maxima = {name: int(array.max()) for name, array in room.maps().items()}
    rows = [f"part,{name.removeprefix('part/test/')},{top}" for name, top in maxima.items()]
    text = "\r\n".join(["\ufeffcategory,image,score", *rows, ""])
    return room.zip({**room.files(), SCORES: text.encode()})
