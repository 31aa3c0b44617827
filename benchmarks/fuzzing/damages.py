"""Ways in which a file can be damaged, each by chance of a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fuzzing.bases import Base

Damage = Callable[[random.Random, bytes], bytes]


def flip_bytes(rng: random.Random, content: bytes) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.randint(1, 30)):
        if damaged:
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def flip_bits(rng: random.Random, content: bytes) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        if damaged:
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def truncate(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def cut_out(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[start + rng.randint(1, 300) :]


def repeat_part(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    part = content[start : start + rng.randint(1, 400)]
    return content[:start] + part * rng.randint(2, 6) + content[start:]


def insert_nuls(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + b"\x00" * rng.randint(1, 50) + content[start:]


def insert_noise(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + rng.randbytes(rng.randint(1, 200)) + content[start:]


def with_bom(rng: random.Random, content: bytes) -> bytes:
    return rng.choice([b"\xef\xbb\xbf", b"\xc3\xaf\xc2\xbb\xc2\xbf", b"\xff\xfe", b"\xfe\xff"]) + content


def merge_lines(rng: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    for _ in range(rng.randint(1, 3)):
        if len(lines) > 2:
            place = rng.randrange(len(lines) - 1)
            lines[place : place + 2] = [lines[place] + lines[place + 1]]
    return b"\n".join(lines)


def shuffle_lines(rng: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def repeat_lines(rng: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    return b"\n".join(lines + rng.choices(lines, k=rng.randint(1, 10)))


def blank_lines(rng: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    for _ in range(rng.randint(1, 6)):
        lines.insert(rng.randrange(len(lines) + 1), rng.choice([b"", b" ", b",,,,", b"\t", b'""']))
    return b"\n".join(lines)


def line_ends(rng: random.Random, content: bytes) -> bytes:
    return content.replace(b"\n", rng.choice([b"\r", b"\r\n", b"\n\r", b"\n\n"]))


def open_quote(rng: random.Random, content: bytes) -> bytes:
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(content) + 1)
        content = content[:start] + rng.choice([b'"', b'""', b'"\n', b',"', b"'"]) + content[start:]
    return content


def huge_cell(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    return (
        content[:start]
        + rng.choice([b"A", b"9", b"\xe8\xad\xa6", b" ", b'"']) * rng.randint(1_000, 200_000)
        + content[start:]
    )


def change_header(rng: random.Random, content: bytes) -> bytes:
    head, _, rest = content.partition(b"\n")
    names = head.split(b",")
    place = rng.randrange(len(names))
    match rng.randrange(5):
        case 0:
            del names[place]
        case 1:
            names[place] = rng.choice([b"", b"X", b"#column2", names[0]])
        case 2:
            names.insert(place, rng.choice([names[place], b"NEW", b""]))
        case 3:
            rng.shuffle(names)
        case _:
            names = [name.swapcase() + b" " for name in names]
    return b",".join(names) + b"\n" + rest


def drop_column(rng: random.Random, content: bytes) -> bytes:
    rows = [line.split(b",") for line in content.split(b"\n")]
    place = rng.randrange(max(1, len(rows[0])))
    return b"\n".join(b",".join(cell for number, cell in enumerate(row) if number != place) for row in rows)


def double_column(rng: random.Random, content: bytes) -> bytes:
    rows = [line.split(b",") for line in content.split(b"\n")]
    place = rng.randrange(max(1, len(rows[0])))
    return b"\n".join(b",".join([*row, *row[place : place + 1]]) for row in rows)


def change_separator(rng: random.Random, content: bytes) -> bytes:
    return content.replace(b",", rng.choice([b";", b"\t", b"|", b", ", "，".encode()]))


def odd_values(rng: random.Random, content: bytes) -> bytes:
    rows = [line.split(b",") for line in content.split(b"\n")]
    odd = ["1e400", "-1", "NaN", "inf", "99999999999999999999999", "2026-13-45", "00000000000000", "是", "０１２", "𠮷"]
    odd += ["=1+1", "-0.0", "\u202e", "NULL"]
    odd += ["99991231235959", "-9223372036854775809", "1,5", "\x1f", "\ufeff"]
    for _ in range(rng.randint(1, 20)):
        row = rng.choice(rows)
        if row:
            row[rng.randrange(len(row))] = rng.choice(odd).encode("gb18030", errors="replace")
    return b"\n".join(b",".join(row) for row in rows)


def other_encoding(rng: random.Random, content: bytes) -> bytes:
    text = content.decode(rng.choice(["utf-8", "gb18030", "big5"]), errors="replace")
    return text.encode(rng.choice(["utf-8", "utf-16", "gb18030", "big5", "shift_jis", "utf-7"]), errors="replace")


def half_encoded(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[start:].decode("gb18030", errors="replace").encode("utf-8")


def long_header(rng: random.Random, content: bytes) -> bytes:
    head, _, rest = content.partition(b"\n")
    return head + b"".join(b",c%d" % number for number in range(rng.randint(10, 3_000))) + b"\n" + rest


BYTES: tuple[Damage, ...] = (flip_bytes, flip_bits, truncate, cut_out, repeat_part, insert_nuls, insert_noise)
LINES: tuple[Damage, ...] = (
    with_bom,
    merge_lines,
    shuffle_lines,
    repeat_lines,
    blank_lines,
    line_ends,
    open_quote,
    huge_cell,
    change_header,
    drop_column,
    double_column,
    change_separator,
    odd_values,
    other_encoding,
    half_encoded,
    long_header,
)
#: Damages after which a cell still stands under its own header: the planted name must not get through.
KEEP_COLUMNS = frozenset({"repeat_lines", "blank_lines", "with_bom", "none"})
ENDINGS = (
    ".csv",
    ".xlsx",
    ".parquet",
    ".geojson",
    ".zip",
    ".txt",
    ".json",
    ".gpkg",
    ".xls",
    ".tsv",
    ".doc",
    ".gz",
    ".xz",
    "",
)


@dataclass
class Damaged:
    """A damaged copy of a file.

    Attributes
    ----------
    inside
        What reports call a file → its content before it was packed, and what it was; of a plain file itself. Empty
        when the packed bytes were damaged: then nothing is known of what is inside.
    """

    name: str
    content: bytes
    done: list[str]
    inside: dict[str, tuple[bytes, Base]]


def damage(rng: random.Random, base: Base) -> Damaged:
    """Return a damaged copy; of packed files, the packed bytes or one file before it is packed."""
    if not base.members:
        name, content, done = _damage(rng, base.name, base.content, with_lines=base.encoding is not None)
        return Damaged(name, content, done, {name: (content, base)})
    contents = [(member.name, member.content) for member in base.members]
    if rng.random() < 0.5:
        chosen = rng.randrange(len(base.members))
        member = base.members[chosen]
        name, content, done = _damage(rng, member.name, member.content, with_lines=member.encoding is not None)
        # One file packed by itself keeps its name: the outer one is made of it.
        contents[chosen] = (name if len(contents) > 1 else member.name, content)
        done = [f"inside: {one}" if one != "none" else one for one in done]
        inside = {
            base.told(name, place): (content, base.members[place]) for place, (name, content) in enumerate(contents)
        }
        return Damaged(base.name, base.pack(dict(contents)), done, inside)
    name, content, done = _damage(rng, base.name, base.pack(dict(contents)), with_lines=False)
    return Damaged(name, content, [f"packed: {one}" if one != "none" else one for one in done], {})


def _damage(rng: random.Random, name: str, content: bytes, *, with_lines: bool) -> tuple[str, bytes, list[str]]:
    done: list[str] = []
    for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 2, 3])):
        chosen = rng.choice((*BYTES, *LINES) if with_lines else BYTES)
        content = chosen(rng, content)
        done.append(chosen.__name__)
    if rng.random() < 0.05:
        name = f"{Path(name).stem}{rng.choice(ENDINGS)}"
        done.append("wrong_ending")
    if rng.random() < 0.01:
        content, done = b"", [*done, "empty"]
    return name, content, done or ["none"]
