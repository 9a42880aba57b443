"""Tar archives block by block, because no tar library is wrong enough, and the table of fixtures made of them."""

import os
from dataclasses import dataclass, field

BLOCK = 512
MTIME = 1_600_000_000


def octal(number, width):
    return b"%0*o\0" % (width - 1, number)


def base256(number, width):
    """GNU's binary numbers: two's complement, the top bit of the first byte set."""
    data = bytearray(number.to_bytes(width, "big", signed=True))
    data[0] |= 0x80
    return bytes(data)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def entry(name, kind="0", content=b"", link="", *, mode=0o644, uid=0, gid=0, mtime=MTIME, size=None, major=0, minor=0,
          magic=b"ustar\00000", prefix=b"", fields=None, checksum=None):
    """A header and its content. Numbers may be bytes, to be written as they are; `fields` puts bytes at offsets."""
    header = bytearray(BLOCK)

    def put(offset, width, value):
        if isinstance(value, int):
            value = octal(value, width)
        elif isinstance(value, str):
            value = value.encode("utf-8", "surrogateescape")
        assert len(value) <= width, (name, offset, value)
        header[offset:offset + len(value)] = value

    put(0, 100, name)
    for offset, width, value in ((100, 8, mode), (108, 8, uid), (116, 8, gid),
                                 (124, 12, len(content) if size is None else size), (136, 12, mtime), (156, 1, kind),
                                 (157, 100, link), (257, 8, magic)):
        put(offset, width, value)
    if kind in "34":
        put(329, 8, major)
        put(337, 8, minor)
    put(345, 155, prefix)
    for offset, value in (fields or {}).items():
        header[offset:offset + len(value)] = value
    header[148:156] = b" " * 8
    total = sum(header) if checksum is None else checksum
    header[148:156] = b"%06o\0 " % total
    return bytes(header) + padded(content)


def folder(name, mode=0o755, **more):
    return entry(name, "5", mode=mode, **more)


def symlink(name, target, **more):
    return entry(name, "2", link=target, mode=0o777, **more)


def hard_link(name, target, **more):
    return entry(name, "1", link=target, **more)


def pax(records, kind="x", **more):
    """An extended header; records are (key, value) pairs, or bytes as they are."""
    data = b""
    for record in records:
        if isinstance(record, bytes):
            data += record
            continue
        key, value = (part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part for part in record)
        length = len(key) + len(value) + 3
        while length != len(key) + len(value) + 3 + len(str(length)):
            length = len(key) + len(value) + 3 + len(str(length))
        data += b"%d %s=%s\n" % (length, key, value)
    return entry("pax", kind, data, **more)


def long_name(text, kind="L"):
    return entry("././@LongLink", kind, text.encode() + b"\0", magic=b"ustar  \0")


def archive(*parts):
    return b"".join(parts) + bytes(2 * BLOCK)


@dataclass
class Fixture:
    name: str
    layers: list  # tars, the lowest first
    tree: dict = None  # of the highest layer: path -> what layer_walk.py says; or None:
    error: tuple = ()  # parts of the one line and its hint
    compression: str = "none"
    blobs: dict = field(default_factory=dict)  # index of a layer -> its bytes as stored, when they are not the tar's
    diff_ids: dict = field(default_factory=dict)  # index of a layer -> a wrong diff id
    limits: str = ""  # lines of [unpack] in engine.conf


FIXTURES = []  # filled by the modules layer_fixtures_*


def accepted(name, *parts, tree, lower=None, **more):
    """The tree of the highest layer must be exactly this, the root itself left out."""
    FIXTURES.append(Fixture(name, [*(lower or []), archive(*parts)], tree=tree, **more))


def refused(name, *parts, error, lower=None, **more):
    FIXTURES.append(Fixture(name, [*(lower or []), archive(*parts)], error=(error,) if isinstance(error, str) else error,
                            **more))


def raw(name, tar, *, tree=None, error=(), **more):
    """As it is: nothing is put behind it."""
    FIXTURES.append(Fixture(name, [tar], tree=tree, error=(error,) if isinstance(error, str) else error, **more))


# What a tree has (layer_walk.py): "f MODE CONTENT", "d MODE", "l TARGET", "p MODE", "w" (a whiteout). Behind it
# " UID:GID" of others than 0:0, " NAME=HEX" for extended attributes, " @TIME" for another time than MTIME, " opaque".
# A directory that no entry asked for is of 1970 and 0755.
MADE = "d 755 @0"
CANARY = f"/var/tmp/engine-canary-{os.getpid()}"  # the folder that must not change; short enough for any header
UPWARDS = "../" * 12
