"""Writes small archives of every dialect into a folder, for fuzz_unpack. Checksums are marked, the target fills them in."""
import io
import sys
import tarfile
from pathlib import Path


def entry(name, kind=tarfile.REGTYPE, content=b"", **facts):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(content)
    for key, value in facts.items():
        setattr(info, key, value)
    return info, content


ENTRIES = {
    "plain": [entry("a/b", content=b"x" * 600), entry("d", tarfile.DIRTYPE, mode=0o2755), entry("a/c", uid=7, gid=8)],
    "links": [entry("f", content=b"x"), entry("s", tarfile.SYMTYPE, linkname="../.."), entry("s/g", content=b"y"),
              entry("h", tarfile.LNKTYPE, linkname="f"), entry("s/h", tarfile.LNKTYPE, linkname="s/g")],
    "whiteouts": [entry("d/.wh.a"), entry("d/a", tarfile.DIRTYPE), entry("d/.wh..wh..opq"), entry(".wh.d"),
                  entry(".wh..wh.plnk/1")],
    "special": [entry("p", tarfile.FIFOTYPE), entry("n", tarfile.CHRTYPE, devmajor=1, devminor=3),
                entry("b", tarfile.BLKTYPE, devmajor=8)],
    "duplicates": [entry("a", content=b"1"), entry("a/b", content=b"2"), entry("a", tarfile.SYMTYPE, linkname="b"),
                   entry("a", tarfile.DIRTYPE)],
    "long": [entry("n" * 120, content=b"x"), entry("l", tarfile.SYMTYPE, linkname="t" * 150), entry("d/" * 60 + "f")],
    "pax": [entry("f", content=b"x", pax_headers={"SCHILY.xattr.user.a": "b", "mtime": "1.5", "uid": "70000"}),
            entry("s", content=b"abcdefgh", pax_headers={"GNU.sparse.size": "9000", "GNU.sparse.map": "0,4,8996,4"}),
            entry("t", content=b"1\n0\n1\n" + bytes(506) + b"x",
                  pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "u",
                               "GNU.sparse.realsize": "5000"})],
}


def archive(entries, dialect):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=dialect) as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    data = bytearray(out.getvalue().rstrip(b"\0") + bytes(1024))
    for start in range(0, len(data) - 511, 512):
        if data[start + 257:start + 262] == b"ustar":
            data[start + 148:start + 156] = b"########"
    return bytes(data)


def hostile_archives():
    """The fixtures of the attack tests that are plain archives, as they are."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hardening"))
    import layer_archive
    import layer_fixtures_format as formats
    import layer_fixtures_tree as trees
    for make in (trees.traversal, trees.symlink_parents, trees.hard_links, trees.whiteouts, trees.xattrs,
                 trees.devices_and_modes, formats.oddities, formats.sparse):
        make()
    for fixture in layer_archive.FIXTURES:
        yield "hostile-" + fixture.name, fixture.layers[-1]


folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, entries in ENTRIES.items():
    for dialect in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        (folder / f"{name}-{dialect}").write_bytes(archive(entries, dialect))
for name, data in hostile_archives():
    (folder / name.replace("/", "-")).write_bytes(data)
