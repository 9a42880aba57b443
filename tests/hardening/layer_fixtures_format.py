"""Layers that attack or confuse whoever reads an archive: dialects, damage, sparse files, bombs, wrong digests."""

import gzip
import subprocess
import zlib

from layer_archive import (FIXTURES, MADE, Fixture, accepted, archive, base256, entry, folder, hard_link, long_name,
                           octal, padded, pax, raw, refused, symlink)


def oddities():
    accepted("v7", entry("f", content=b"f", magic=b"\0" * 8, kind="\0"), entry("d/", kind="\0", magic=b"\0" * 8),
             tree={"f": "f 644 f", "d": "d 644"})
    accepted("v7-knows-no-prefix", entry("f", content=b"f", magic=b"\0" * 8, prefix=b"ignored"), tree={"f": "f 644 f"})
    accepted("ustar-prefix", entry("f", content=b"f", prefix=b"a/b"), tree={"a": MADE, "a/b": MADE, "a/b/f": "f 644 f"})
    accepted("gnu-knows-no-prefix-field", entry("f", content=b"f", magic=b"ustar  \0", prefix=b"\1\2\3"),
             tree={"f": "f 644 f"})
    accepted("long-name-and-link", long_name("n" * 150), long_name("t" * 150, "K"), symlink("x", "y"),
             tree={"n" * 150: "l " + "t" * 150})
    accepted("pax-wins-over-long-name", long_name("gnu"), pax([("path", "pax")]), entry("header", content=b"x"),
             tree={"pax": "f 644 x"})
    accepted("pax-size-wins", pax([("size", "3")]), entry("f", content=b"abc", size=0), entry("g", content=b"g"),
             tree={"f": "f 644 abc", "g": "f 644 g"})
    accepted("pax-size-hides-an-entry", pax([("size", "512")]), entry("f", size=0), entry("hidden"),
             entry("g", content=b"g"), tree={"f": "f 644 512 bytes", "g": "f 644 g"})
    refused("pax-size-negative", pax([("size", "-1")]), entry("f", content=b"f"), error="is malformed")
    refused("pax-size-huge", pax([("size", str(1 << 63))]), entry("f", content=b"f"), error="is malformed")
    accepted("global-header-is-ignored", pax([("path", "../../x"), ("uid", "7")], kind="g"), entry("f", content=b"f"),
             tree={"f": "f 644 f"})
    refused("wrong-checksum", entry("f", content=b"f", checksum=1), error="wrong checksum")
    accepted("signed-checksum", entry("\udcff", content=b"f", checksum=None), tree={"\udcff": "f 644 f"})
    raw("no-trailer", entry("f", content=b"f"), tree={"f": "f 644 f"})
    raw("half-a-trailer", entry("f", content=b"f") + bytes(512), tree={"f": "f 644 f"})
    raw("nothing-at-all", b"", tree={})
    raw("only-a-trailer", bytes(1024), tree={})
    raw("garbage-behind-the-trailer", archive(entry("f", content=b"f")) + b"garbage" * 1000, tree={"f": "f 644 f"})
    raw("an-entry-behind-the-trailer", archive(entry("f", content=b"f")) + archive(entry("g", content=b"g")),
        tree={"f": "f 644 f"})
    raw("a-zero-block-inside", entry("f", content=b"f") + bytes(512) + archive(entry("g", content=b"g")),
        error="a zero block inside the archive")
    raw("half-a-header", entry("f", content=b"f") + entry("g")[:200], error="ends in the middle of a block")
    raw("content-cut", entry("f", content=b"f" * 2000)[:1500], error="ends in the middle of a file")
    raw("padding-cut", entry("f", content=b"f" * 600)[:1200], error="ends in the middle of a file")
    raw("ends-after-an-extension", pax([("path", "x")]), error="ends after an extension header")
    raw("no-tar", b"This is no archive.\n" * 100, error="or this is not a tar archive")
    accepted("file-directory-symlink", entry("a", content=b"1"), folder("a"), entry("a/b", content=b"2"),
             symlink("a", "b"), tree={"a": "l b"})
    accepted("symlink-directory-file", symlink("a", "b"), folder("a"), entry("a/b", content=b"2"),
             entry("a", content=b"3"), tree={"a": "f 644 3"})
    accepted("the-last-one-wins", entry("f", content=b"first", mode=0o600), entry("f", content=b"2", uid=3),
             tree={"f": "f 644 2 3:0"})
    accepted("a-directory-twice", folder("d", 0o700), entry("d/f", content=b"f"), folder("d", 0o711, uid=4),
             tree={"d": "d 711 4:0", "d/f": "f 644 f"})
    refused("size-negative", entry("f", size=base256(-1, 12)), error="size in a header is negative")
    refused("size-that-is-no-number", entry("f", size=b"12z"), error="header field size is not a number")
    refused("size-of-8-EiB", entry("f", size=base256((1 << 63) - 1, 12)), error="unpacks to more than")
    accepted("size-of-a-directory", folder("d", size=1024), entry("f", content=b"f"), tree={"d": "d 755", "f": "f 644 f"})
    accepted("size-of-a-symlink", symlink("l", "t", size=1 << 30), entry("f", content=b"f"),
             tree={"l": "l t", "f": "f 644 f"})
    accepted("times-far-away", entry("a", content=b"a", mtime=base256(10**18, 12)),
             entry("b", content=b"b", mtime=base256(-10**18, 12)), entry("c", content=b"c", mtime=base256(-5, 12)),
             tree={"a": "f 644 a @15032385535", "b": "f 644 b @-2147483648", "c": "f 644 c @-5"})
    accepted("times-in-pax", pax([("mtime", "1.5")]), entry("a", content=b"a"), pax([("mtime", "-1.25")]),
             entry("b", content=b"b"), pax([("mtime", str(10**18))]), entry("c", content=b"c"),
             tree={"a": "f 644 a @1.500000000", "b": "f 644 b @-2.750000000", "c": "f 644 c @15032385535"})
    refused("time-that-is-no-number", pax([("mtime", "1e18")]), entry("a"), error="is malformed")
    accepted("volume-label", entry("label", "V"), entry("f", content=b"f"), tree={"f": "f 644 f"})
    for name, data in (("no-length", b"path=x\n"), ("length-too-long", b"99 path=x\n"), ("no-newline", b"9 path=xy"),
                       ("length-0", b"0 path=x\n"), ("length-huge", b"99999999999999999999 path=x\n"),
                       ("no-equals", b"8 pathx\n"), ("no-key", b"5 =x\n")):
        refused(f"pax-{name}", pax([data]), entry("f"), error="is malformed")
    accepted("pax-unknown-keys", pax([("comment", "c"), ("LIBARCHIVE.x", "y"), ("atime", "junk")]), entry("f", content=b"f"),
             tree={"f": "f 644 f"})
    accepted("pax-empty", pax([]), entry("f", content=b"f"), tree={"f": "f 644 f"})


def sparse():
    def gnu(real_size, spans, content, more=b"\0"):
        table = b"".join(octal(offset, 12) + octal(size, 12) for offset, size in spans)
        return entry("s", "S", content, magic=b"ustar  \0",
                     fields={386: table, 482: more, 483: base256(real_size, 12)})

    def posix(size, text, content=b""):
        return pax([("GNU.sparse.major", "0"), ("GNU.sparse.minor", "1"), ("GNU.sparse.size", str(size)),
                    ("GNU.sparse.map", text)]) + entry("s", content=content)

    accepted("sparse-gnu", gnu(2000, [(1000, 3), (2000, 0)], b"abc"), tree={"s": "f 644 " + "0*1000 abc 0*997"})
    accepted("sparse-pax", posix(8, "2,3", b"abc"), tree={"s": "f 644 0*2 abc 0*3"})
    accepted("sparse-nothing-but-a-hole", posix(1_000_000, ""), tree={"s": "f 644 0*1000000"})
    refused("sparse-of-8-EiB", posix((1 << 63) - 1, ""), error="unpacks to more than")
    refused("sparse-gnu-of-8-EiB", gnu((1 << 63) - 1, [], b""), error="unpacks to more than")
    refused("sparse-negative", gnu(-1, [], b""), error="is negative")
    for name, text in (("overlapping", "0,4,2,4"), ("backwards", "10,2,0,2"), ("beyond-the-end", "100,1"),
                       ("overflowing", f"{(1 << 63) - 1},{(1 << 63) - 1}"), ("odd", "0,4,8"), ("too-little-data", "0,5"),
                       ("no-number", "a,b")):
        refused(f"sparse-{name}", posix(16, text, b"abcd"), error="is malformed" if name in ("odd", "no-number")
                else "map of a sparse file is wrong")
    refused("sparse-without-size", pax([("GNU.sparse.map", "0,1")]), entry("s", content=b"a"),
            error="sparse file without its size")
    numbers = b"70000\n" + b"0\n0\n" * 1000
    refused("sparse-map-without-end", pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"),
                                           ("GNU.sparse.realsize", "10")]), entry("s", content=padded(numbers)),
            error="map of a sparse file is too long")
    refused("sparse-map-that-is-cut", pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"),
                                           ("GNU.sparse.realsize", "10")]), entry("s", content=padded(b"5\n0\n1\n")),
            error="map of a sparse file is wrong")
    accepted("sparse-name-in-pax", pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "r"),
                                        ("GNU.sparse.realsize", "4")]), entry("s", content=padded(b"1\n1\n2\n") + b"ab"),
             tree={"r": "f 644 0*1 ab 0*1"})
    refused("sparse-name-upwards", pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"),
                                        ("GNU.sparse.name", "../r"), ("GNU.sparse.realsize", "4")]),
            entry("s", content=padded(b"1\n1\n2\n") + b"ab"), error="which leads upwards")


def zstd(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, stdout=subprocess.PIPE, check=True).stdout


def zstd_zeros(mib, *options):
    """A file of so many MiB of zeros as the first entry of a tar, compressed without holding it."""
    script = "import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]));\n" \
             f"for _ in range({mib}): sys.stdout.buffer.write(bytes(1 << 20))"
    header = entry("zeros", size=base256(mib << 20, 12))
    writer = subprocess.Popen(["/usr/bin/python3", "-c", script, header.hex()], stdout=subprocess.PIPE)
    done = subprocess.run(["zstd", "-q", "-c", "-1", *options], stdin=writer.stdout, stdout=subprocess.PIPE, check=True)
    writer.stdout.close()
    writer.wait()
    return done.stdout


def gzip_zeros(mib):
    """Likewise, without a header: the test's own size must not hide that of the engine."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(mib)) + packer.flush()


def bombs():
    def bomb(name, blob, error, compression="zstd", tar=b"", **more):
        FIXTURES.append(Fixture(name, [tar], error=(error,), compression=compression, blobs={0: blob}, **more))

    bomb("zeros-zstd", zstd_zeros(400), "inflates to more than 1000 times its size")
    # The same zeros again and again; more of them than fit into the pipes on the way.
    member = gzip_zeros(64)
    head = gzip.compress(entry("zeros", size=base256(4 << 30, 12)), mtime=0)
    bomb("4-GiB-in-64-gzip-members", head + member * 64, "inflates to more than 1000 times its size", compression="gzip")
    bomb("4-GiB-behind-the-trailer", gzip.compress(bytes(1024), mtime=0) + member * 64,
         "inflates to more than 1000 times its size", compression="gzip")
    bomb("zeros-with-a-low-limit", gzip.compress(archive(entry("zeros", content=bytes(2_000_000))), mtime=0),
         "unpacks to more than 1000000 bytes", compression="gzip", limits="max_unpacked_bytes = 1_000_000")
    bomb("ratio-with-a-low-limit", gzip.compress(archive(entry("zeros", content=bytes(2_000_000))), mtime=0),
         "inflates to more than 10 times its size", compression="gzip",
         limits='max_ratio = 10\nratio_after_bytes = "1MiB"')
    window = archive(entry("f", content=b"f"))
    bomb("zstd-window-of-2-GiB", zstd(window, "--ultra", "--long=31"), "zstd data is damaged", tar=window)
    bomb("zstd-window-with-a-low-limit", zstd(window, "--long=21"), "zstd data is damaged", tar=window,
         limits='max_zstd_window_bytes = "1MiB"')
    tars = gzip.compress(b"".join(entry(f"f{number}", content=b"") for number in range(3000)) + bytes(1024), mtime=0)
    bomb("many-files-with-a-low-limit", tars, "more than 1000 entries", compression="gzip", limits="max_entries = 1000")
    bomb("many-directories-in-one-entry", gzip.compress(archive(pax([("path", "d/" * 2000 + "f")]), entry("x")), mtime=0),
         "more than 1000 entries", compression="gzip", limits="max_entries = 1000")
    bomb("xz", bytes.fromhex("fd377a585a000004e6d6b446") + bytes(100), "neither gzip nor zstd", compression="gzip")
    bomb("bzip2", b"BZh91AY&SY" + bytes(100), "neither gzip nor zstd", compression="gzip")
    bomb("gzip-damaged", gzip.compress(archive(entry("f", content=b"f" * 9000)), mtime=0)[:-9] + b"x" * 9, "gzip data",
         compression="gzip")
    whole = archive(*(entry(f"f{number}", content=bytes([number]) * 3000) for number in range(8)))
    bomb("gzip-cut", gzip.compress(whole, 0, mtime=0)[:-2000], "ends too early", compression="gzip", tar=whole)
    bomb("zstd-cut", zstd(whole)[:-10], "ends too early", tar=whole)
    refused("million-directories-deep", pax([("path", "d/" * 500_000)]), folder("x"), error="which is too long")
    raw("pax-header-of-1-GiB", entry("x", "x", size=1 << 30) + bytes(4096), error="is too long")
    raw("long-name-of-1-GiB", entry("x", "L", size=1 << 30) + bytes(4096), error="is too long")
    refused("header-with-a-low-limit", pax([("comment", "c" * 5000)]), entry("f"), error="is too long",
            limits='max_header_bytes = "4k"')
    refused("chain-of-long-names", *[long_name("n" * 150)] * 40, entry("f"), error="too many extension headers")
    refused("chain-of-globals", *[pax([("comment", "c")], kind="g")] * 40, entry("f"), error="too many extension headers")
    refused("5000-pax-records", pax([("comment", "c")] * 5000), entry("f"), error="more than 4096 records")
    refused("records-with-a-low-limit", pax([("comment", "c")] * 20), entry("f"), error="more than 10 records",
            limits="max_pax_records = 10")
    refused("xattrs-with-a-low-limit", pax([(f"SCHILY.xattr.user.{number}", "c") for number in range(20)]), entry("f"),
            error="more than 10 extended attributes", limits="max_xattrs = 10")
    refused("xattr-bytes-with-a-low-limit", pax([("SCHILY.xattr.user.a", "c" * 200)]), entry("f"),
            error="of more than 100 bytes", limits="max_xattr_bytes = 100")
    refused("path-with-a-low-limit", entry("a/b/c/d/e/f"), error="which is too long", limits="max_path_bytes = 10")
    refused("component-with-a-low-limit", entry("abcdefghijkl"), error="component of more than 10 bytes",
            limits="max_component_bytes = 10")
    FIXTURES.append(Fixture("layers-together-with-a-low-limit",
                            [archive(entry(f"f{number}", content=bytes(40_000))) for number in range(3)],
                            error=("unpacks to more than 100000 bytes",), limits="max_unpacked_bytes = 100_000"))


def digests():
    tar = archive(entry("f", content=bytes(range(256)) * 64))
    other = archive(entry("f", content=b"other"))
    for compression, packed in (("none", other), ("gzip", gzip.compress(other, mtime=0)), ("zstd", zstd(other))):
        FIXTURES.append(Fixture(f"diff-id-of-another-layer-{compression}", [tar], error=("but the image promises sha256:",),
                                compression=compression, blobs={0: packed}))
    FIXTURES.append(Fixture("diff-id-differs-in-trailing-bytes", [tar], error=("but the image promises sha256:",),
                            blobs={0: tar + b"\0"}))
    FIXTURES.append(Fixture("the-second-of-three-layers-is-wrong", [archive(entry("a")), tar, archive(entry("c"))],
                            error=("but the image promises sha256:",), blobs={1: other}))
    for cut in range(4096, len(tar), 4096):
        FIXTURES.append(Fixture(f"truncated-at-{cut}", [tar], error=("ends in the middle of a file",), blobs={0: tar[:cut]}))
        packed = gzip.compress(tar, 0, mtime=0)
        FIXTURES.append(Fixture(f"gzip-truncated-at-{cut}", [tar], error=("ends too early",), compression="gzip",
                                blobs={0: packed[:cut]}))
