"""Layers that attack or confuse whoever writes a tree: paths, links, whiteouts, extended attributes, devices, modes."""

import struct

from layer_archive import (CANARY, MADE, UPWARDS, accepted, archive, base256, entry, folder, hard_link, long_name, pax,
                           refused, symlink)


def traversal():
    refused("dots", entry(UPWARDS + "tmp/x", content=b"x"), error="which leads upwards")
    refused("dots-only", folder(".."), error="which leads upwards")
    refused("dots-inside", folder("a"), entry("a/../../x", content=b"x"), error="which leads upwards")
    refused("dots-that-stay-inside", folder("a"), entry("a/../b", content=b"x"), error="which leads upwards")
    refused("dots-after-absolute", entry("/../x", content=b"x"), error="which leads upwards")
    refused("dots-in-pax", pax([("path", "../x")]), entry("ok", content=b"x"), error="which leads upwards")
    refused("dots-in-long-name", long_name("a/../../x"), entry("ok", content=b"x"), error="which leads upwards")
    refused("dots-in-prefix", entry("x", content=b"x", prefix=b".."), error="which leads upwards")
    refused("dots-directory", folder("a/.."), error="which leads upwards")
    accepted("absolute", entry("/abs", content=b"x"), tree={"abs": "f 644 x"})
    accepted("absolute-canary", entry(CANARY + "/file", content=b"x"),
             tree={"/".join(CANARY.split("/")[1:depth]): MADE for depth in range(2, CANARY.count("/") + 2)}
             | {CANARY[1:] + "/file": "f 644 x"})
    accepted("many-slashes", entry("///a////b//c", content=b"x"), tree={"a": MADE, "a/b": MADE, "a/b/c": "f 644 x"})
    accepted("dot-components", entry("./a/./b/.", "5"), tree={"a": MADE, "a/b": "d 644"})
    accepted("root-as-directory", folder("./", 0o711), folder("/", 0o751), entry("f", content=b"x"),
             tree={"f": "f 644 x"})
    refused("root-as-symlink", symlink(".", CANARY), entry("file", content=b"x"),
            error="replaces the root by something else")
    refused("slash-as-symlink", symlink("/", CANARY), error="replaces the root by something else")
    refused("root-as-file", entry("./", content=b""), symlink("./.", "x"), error="replaces the root by something else")
    refused("root-as-hard-link", entry("f"), hard_link("/", "f"), error="replaces the root by something else")
    refused("empty-name", entry("", content=b"x"), error="replaces the root by something else")
    accepted("trailing-slash-on-an-empty-file", entry("d/", content=b""), tree={"d": "d 644"})
    refused("trailing-slash-on-a-file", entry("d/", content=b"x"), error="is named like a directory")
    accepted("component-of-255", pax([("path", "n" * 255)]), entry("x", content=b"x"), tree={"n" * 255: "f 644 x"})
    refused("component-of-256", pax([("path", "n" * 256)]), entry("x", content=b"x"),
            error="has a component of more than 255 bytes")
    refused("component-of-256-in-a-link", entry("a"), pax([("linkpath", "n" * 256)]), hard_link("l", "x"),
            error="has a component of more than 255 bytes")
    deep = "/".join(["d" * 200] * 20)  # 4019 bytes
    tree = {"/".join(["d" * 200] * depth): MADE for depth in range(1, 21)}
    accepted("path-of-4000", pax([("path", deep + "/f")]), entry("x", content=b"x"), tree={**tree, deep + "/f": "f 644 x"})
    refused("path-of-4100", pax([("path", deep + "/" + "e" * 80)]), entry("x", content=b"x"), error="which is too long")
    accepted("500-directories-deep", pax([("path", "d/" * 500 + "f")]), entry("x", content=b"x"),
             tree={**{"/".join("d" * depth): MADE for depth in range(1, 501)}, "d/" * 500 + "f": "f 644 x"})
    refused("nul-in-pax-path", pax([("path", b"a\0b")]), entry("x", content=b"x"), error='header "path" is malformed')
    accepted("bytes-that-are-no-text", entry("\udcff\udcfe", content=b"x"), entry("new\nline\t\x1b[31m", content=b"y"),
             tree={"\udcff\udcfe": "f 644 x", "new\nline\t\x1b[31m": "f 644 y"})
    accepted("backslash-and-colon", entry("C:\\x\\..\\y", content=b"x"), tree={"C:\\x\\..\\y": "f 644 x"})


def symlink_parents():
    accepted("file-below-symlink", symlink("d", CANARY), entry("d/file", content=b"x"),
             tree={"d": MADE, "d/file": "f 644 x"})
    accepted("file-below-relative-symlink", symlink("d", UPWARDS + CANARY.lstrip("/")), entry("d/file", content=b"x"),
             tree={"d": MADE, "d/file": "f 644 x"})
    accepted("file-below-symlink-of-a-lower-layer", entry("d/file", content=b"x"), lower=[archive(symlink("d", CANARY))],
             tree={"d": MADE, "d/file": "f 644 x"})
    accepted("directory-over-symlink", symlink("d", CANARY), folder("d", 0o700), entry("d/file", content=b"x"),
             tree={"d": "d 700", "d/file": "f 644 x"})
    accepted("file-over-symlink", symlink("f", CANARY + "/file"), entry("f", content=b"x"), tree={"f": "f 644 x"})
    accepted("symlink-to-itself-as-parent", symlink("d", "d"), entry("d/f", content=b"x"),
             tree={"d": MADE, "d/f": "f 644 x"})
    accepted("symlink-to-dot-as-parent", symlink("d", "."), entry("d/d/d/f", content=b"x"),
             tree={"d": MADE, "d/d": MADE, "d/d/d": MADE, "d/d/d/f": "f 644 x"})
    accepted("loop-of-symlinks", symlink("a", "b"), symlink("b", "a"), entry("a/f", content=b"x"),
             tree={"a": MADE, "b": "l a", "a/f": "f 644 x"})
    chain = [symlink(f"l{number}", f"l{number + 1}") for number in range(41)]
    accepted("41-symlinks", *chain, symlink("l41", CANARY), entry("l0/file", content=b"x"),
             tree={"l0": MADE, "l0/file": "f 644 x", **{f"l{number}": f"l l{number + 1}" for number in range(1, 41)},
                   "l41": "l " + CANARY})
    accepted("directory-below-symlink", symlink("d", CANARY), folder("d/folder", 0o777),
             tree={"d": MADE, "d/folder": "d 777"})
    accepted("symlink-below-symlink", symlink("d", CANARY), symlink("d/file", "/etc/passwd"),
             tree={"d": MADE, "d/file": "l /etc/passwd"})
    accepted("fifo-below-symlink", symlink("d", CANARY), entry("d/p", "6"), tree={"d": MADE, "d/p": "p 644"})
    accepted("symlink-swapped-for-a-directory-that-is-open", folder("d"), entry("d/a", content=b"a"), symlink("d", CANARY),
             entry("d/file", content=b"x"), tree={"d": MADE, "d/file": "f 644 x"})
    accepted("parent-swapped-two-levels-up", folder("a"), folder("a/b"), entry("a/b/1", content=b"1"),
             symlink("a", CANARY), entry("a/b/2", content=b"2"),
             tree={"a": MADE, "a/b": MADE, "a/b/2": "f 644 2"})
    refused("symlink-without-target", symlink("l", ""), error="has no valid target")
    accepted("symlink-of-4095", pax([("linkpath", "t" * 4095)]), symlink("l", "x"), tree={"l": "l " + "t" * 4095})
    refused("symlink-of-4096", pax([("linkpath", "t" * 4096)]), symlink("l", "x"), error="has no valid target")
    refused("nul-in-a-target", pax([("linkpath", b"a\0b")]), symlink("l", "x"), error='header "linkpath" is malformed')


def hard_links():
    refused("hard-link-upwards", hard_link("h", UPWARDS + CANARY.lstrip("/") + "/file"), error="which leads upwards")
    refused("hard-link-to-an-absolute-path", pax([("linkpath", CANARY + "/file")]), hard_link("h", "x"),
            error="its target is not in this layer")
    refused("hard-link-through-a-symlink", symlink("d", CANARY), pax([("linkpath", "d/file")]), hard_link("h", "x"),
            error="its target is not in this layer")
    accepted("hard-link-to-a-symlink", symlink("l", CANARY + "/file"), hard_link("h", "l"),
             tree={"l": f"l {CANARY}/file", "h": f"l {CANARY}/file"})
    refused("hard-link-to-nothing", hard_link("h", "absent"), error="its target is not in this layer")
    refused("hard-link-to-nowhere", hard_link("h", ""), error=("the hard link", "its target is not in this layer"))
    refused("hard-link-to-a-directory", folder("d"), hard_link("h", "d"),
            error="its target is neither a file nor a symbolic link")
    refused("hard-link-to-the-root", hard_link("h", "/"), error="its target is not in this layer")
    refused("hard-link-to-a-later-entry", hard_link("h", "f"), entry("f", content=b"x"),
            error="its target is not in this layer")
    refused("hard-link-to-a-whiteout", entry(".wh.f"), hard_link("h", "f"),
            error="its target is neither a file nor a symbolic link")
    refused("hard-link-to-the-name-of-a-whiteout", entry(".wh.f"), hard_link("h", ".wh.f"),
            error="its target is not in this layer")
    refused("hard-link-to-a-lower-layer", hard_link("h", "f"), lower=[archive(entry("f", content=b"x"))],
            error="its target is not in this layer")
    accepted("hard-link-to-itself", entry("f", content=b"x"), hard_link("f", "f"), tree={"f": "f 644 x"})
    refused("hard-link-over-its-target's-directory", folder("d"), entry("d/f", content=b"x"), hard_link("d", "d/f"),
            error="it would replace a directory above its target")
    refused("hard-link-below-its-target", entry("f", content=b"x"), hard_link("f/h", "f"),
            error="its target is n")
    accepted("hard-link-over-a-file", entry("a", content=b"a"), entry("b", content=b"b"), hard_link("b", "a"),
             tree={"a": "f 644 a", "b": "f 644 a"})
    accepted("hard-link-and-then-another-file", entry("a", content=b"a"), hard_link("b", "a"), entry("b", content=b"b"),
             tree={"a": "f 644 a", "b": "f 644 b"})
    accepted("hard-link-with-a-size", entry("a", content=b"a"), hard_link("b", "a", size=600),
             entry("c", content=b"c"), tree={"a": "f 644 a", "b": "f 644 a", "c": "f 644 c"})
    refused("hard-link-to-a-fifo", entry("p", "6"), hard_link("h", "p"),
            error="its target is neither a file nor a symbolic link")
    accepted("hard-link-to-a-device", entry("c", "3", major=1, minor=3), hard_link("h", "c"), tree={})


def whiteouts():
    lower = [archive(folder("d"), entry("d/old", content=b"o"), entry("f", content=b"f"))]
    accepted("whiteout", entry("d/.wh.old"), lower=lower, tree={"d": "d 755", "d/old": "w"})
    accepted("whiteout-of-nothing-there", entry(".wh.absent"), tree={"absent": "w"})
    for name in (".wh.", ".wh..", ".wh...", ".wh./", "d/.wh."):
        refused(f"whiteout-without-a-name-{name.replace('/', '-')}", entry(name, "5" if name.endswith("/") else "0"),
                error="of nothing")
    refused("below-a-whiteout", entry(".wh.a/b", content=b"x"), error="below a whiteout")
    accepted("whiteout-with-content", entry(".wh.f", content=b"surprise" * 100), entry("g", content=b"g"),
             tree={"f": "w", "g": "f 644 g"})
    accepted("whiteout-as-a-symlink", symlink(".wh.f", CANARY), tree={"f": "w"})
    accepted("whiteout-as-a-directory", folder(".wh.f"), tree={"f": "w"})
    accepted("whiteout-as-a-hard-link", entry("g", content=b"g"), hard_link(".wh.f", "g"),
             tree={"f": "w", "g": "f 644 g"})
    accepted("whiteout-then-the-file", entry(".wh.f"), entry("f", content=b"new"), tree={"f": "f 644 new"})
    accepted("the-file-then-its-whiteout", entry("f", content=b"new"), entry(".wh.f"), tree={"f": "f 644 new"})
    accepted("whiteout-then-the-directory", entry(".wh.d"), folder("d"), entry("d/new", content=b"n"), lower=lower,
             tree={"d": "d 755 opaque", "d/new": "f 644 n"})
    accepted("the-directory-then-its-whiteout", folder("d"), entry("d/new", content=b"n"), entry(".wh.d"), lower=lower,
             tree={"d": "d 755 opaque", "d/new": "f 644 n"})
    accepted("whiteout-then-something-below", entry(".wh.d"), entry("d/new", content=b"n"), lower=lower,
             tree={"d": MADE + " opaque", "d/new": "f 644 n"})
    accepted("opaque", folder("d"), entry("d/.wh..wh..opq"), lower=lower, tree={"d": "d 755 opaque"})
    accepted("opaque-after-siblings", folder("d"), entry("d/new", content=b"n"), entry("d/.wh..wh..opq"), lower=lower,
             tree={"d": "d 755 opaque", "d/new": "f 644 n"})
    accepted("opaque-as-a-directory", folder("d"), folder("d/.wh..wh..opq"), tree={"d": "d 755 opaque"})
    accepted("opaque-as-a-symlink", folder("d"), symlink("d/.wh..wh..opq", CANARY), tree={"d": "d 755 opaque"})
    accepted("opaque-with-content", folder("d"), entry("d/.wh..wh..opq", content=b"x" * 700), entry("f", content=b"f"),
             tree={"d": "d 755 opaque", "f": "f 644 f"})
    accepted("something-below-opaque", folder("d"), entry("d/.wh..wh..opq/f", content=b"x"), tree={"d": "d 755"})
    accepted("opaque-in-a-directory-behind-a-symlink", symlink("d", CANARY), entry("d/.wh..wh..opq"),
             tree={"d": MADE + " opaque"})
    accepted("whiteout-behind-a-symlink", symlink("d", CANARY), entry("d/.wh.file"), tree={"d": MADE, "d/file": "w"})
    accepted("opaque-root", entry(".wh..wh..opq"), entry("f", content=b"f"), lower=lower, tree={"f": "f 644 f"})
    accepted("other-aufs-names", folder(".wh..wh.plnk"), entry(".wh..wh.plnk/1.2", content=b"x"), entry(".wh..wh.aufs"),
             tree={})
    accepted("whiteouts-in-other-case", entry(".WH.f", content=b"x"), entry("d/.Wh..wh..opq", content=b"y"),
             tree={".WH.f": "f 644 x", "d": MADE, "d/.Wh..wh..opq": "f 644 y"})
    refused("the-device-that-means-whiteout", entry("f", "3"), error="overlay whiteout device")
    accepted("a-hard-link-to-hide-a-whiteout", entry("a", content=b"a"), entry(".wh.b"), hard_link("b", "a"),
             tree={"a": "f 644 a", "b": "f 644 a"})


def xattrs():
    def with_xattrs(*pairs):
        return pax([("SCHILY.xattr." + name, value) for name, value in pairs]) + entry("f", content=b"x")

    def hexes(**values):
        return "f 644 x" + "".join(f" {name.replace('__', '.')}={value.hex()}" for name, value in sorted(values.items()))

    accepted("xattr-of-the-user", with_xattrs(("user.a", b"\x01\xff"), ("user.b", b"")),
             tree={"f": hexes(user__a=b"\x01\xff", user__b=b"")})
    for namespace in ("trusted", "user"):
        for what in ("opaque", "redirect", "metacopy", "whiteout", "origin"):
            name = f"{namespace}.overlay.{what}"
            accepted(f"xattr-{name}", with_xattrs((name, b"y"), ("user.z", b"z")), tree={"f": hexes(user__z=b"z")})
    accepted("xattr-overlay-on-a-directory", pax([("SCHILY.xattr.user.overlay.opaque", b"y"),
                                                  ("SCHILY.xattr.user.overlay.redirect", CANARY)]), folder("d"),
             tree={"d": "d 755"})
    accepted("xattrs-of-fuse-overlayfs", with_xattrs(("user.fuseoverlayfs.opaque", b"y"),
                                                     ("user.containers.override_stat", b"0:0:0755")),
             tree={"f": "f 644 x"})
    capability = bytes.fromhex("01000002") + struct.pack("<I", 1 << 10) + bytes(12)
    accepted("capability-version-2", with_xattrs(("security.capability", capability)),
             tree={"f": hexes(security__capability=capability)})
    accepted("capability-version-1", with_xattrs(("security.capability", bytes.fromhex("01000001") + bytes(8))),
             tree={"f": "f 644 x"})
    # For another user namespace: root of ours may not say that.
    accepted("capability-version-3", with_xattrs(("security.capability", bytes.fromhex("01000003")
                                                  + capability[4:] + struct.pack("<I", 4_000_000_000))),
             tree={"f": "f 644 x"})
    accepted("capability-that-is-garbage", with_xattrs(("security.capability", b"garbage")), tree={"f": "f 644 x"})
    accepted("capability-on-a-directory", pax([("SCHILY.xattr.security.capability", capability)]), folder("d"),
             tree={"d": "d 755"})
    accepted("xattrs-of-others", with_xattrs(("security.selinux", b"x"), ("security.ima", b"x"), ("system.nfs4_acl", b"x"),
                                             ("system.posix_acl_access", b"\2\0\0\0"), ("trusted.x", b"x"), ("x", b"x"),
                                             ("", b"x"), ("USER.A", b"x")), tree={"f": "f 644 x"})
    refused("xattrs-too-long", with_xattrs(("user.a", b"v" * 65536), ("user.b", b"v" * 65536)),
            error="has extended attributes of more than 131072 bytes")
    accepted("1000-xattrs-that-are-dropped", with_xattrs(*((f"trusted.n{number}", b"v") for number in range(1000))),
             tree={"f": "f 644 x"})
    refused("1025-xattrs", with_xattrs(*((f"trusted.n{number}", b"v") for number in range(1025))),
            error="has more than 1024 extended attributes")
    refused("nul-in-the-name-of-an-xattr", with_xattrs(("user.a\0b", b"v")), error="is malformed")
    accepted("xattr-given-twice", with_xattrs(("user.a", b"1"), ("user.a", b"2")), tree={"f": hexes(user__a=b"2")})
    accepted("xattrs-of-a-symlink", pax([("SCHILY.xattr.user.a", b"1")]), symlink("l", "t"), tree={"l": "l t"})


def devices_and_modes():
    for name, kind, major, minor in (("null", "3", 1, 3), ("disk", "4", 8, 0), ("block-0", "4", 0, 0)):
        accepted(f"device-{name}", entry("dev", kind, major=major, minor=minor), entry("f", content=b"f"),
                 tree={"f": "f 644 f"})
    refused("device-number-out-of-range", entry("dev", "3", major=base256(1 << 40, 8)), error="device number")
    refused("device-number-negative", entry("dev", "3", major=base256(-1, 8)), error="device number")
    accepted("below-a-device", entry("dev", "3", major=1, minor=3), entry("dev/f", content=b"f"),
             tree={"dev": MADE, "dev/f": "f 644 f"})
    accepted("fifo", entry("p", "6", mode=0o4622), tree={"p": "p 4622"})
    accepted("fifo-with-a-size", entry("p", "6", size=700), entry("f", content=b"f"), tree={"p": "p 644", "f": "f 644 f"})
    accepted("contiguous", entry("f", "7", content=b"f"), tree={"f": "f 644 f"})
    for kind in ("s", "8", "Z", "\x7f"):
        refused(f"unknown-type-{kind.encode().hex()}", entry("f", kind, content=b"f"), error="entry of unknown type")
    accepted("set-id-and-sticky", entry("u", content=b"u", mode=0o4755), entry("g", content=b"g", mode=0o2755),
             entry("s", content=b"s", mode=0o1777), entry("o", content=b"o", mode=0o6711, uid=7, gid=8),
             folder("d", 0o3777, uid=7, gid=8),
             tree={"u": "f 4755 u", "g": "f 2755 g", "s": "f 1777 s", "o": "f 6711 o 7:8", "d": "d 3777 7:8"})
    accepted("mode-with-type-bits", entry("f", content=b"f", mode=0o177777), tree={"f": "f 7777 f"})
    accepted("mode-of-nothing", entry("f", content=b"f", mode=0), folder("d", 0), entry("d/g", content=b"g", mode=0),
             tree={"f": "f 0 f", "d": "d 0", "d/g": "f 0 g"})
    accepted("mode-in-base-256", entry("f", content=b"f", mode=base256(0o640, 8)), tree={"f": "f 640 f"})
    refused("mode-that-is-no-number", entry("f", content=b"f", mode=b"6x4"), error="header field mode is not a number")
    for what in ("uid", "gid"):
        word = "user id" if what == "uid" else "group id"
        for number in (-1, 0xffffffff, 1 << 32, 1 << 54):
            refused(f"{what}-{number}", entry("f", content=b"f", **{what: base256(number, 8)}), error=f"the {word} {number}")
        refused(f"{what}-in-pax-4294967296", pax([(what, "4294967296")]), entry("f", content=b"f"), error=f"the {word} ")
        refused(f"{what}-in-pax-negative", pax([(what, "-1")]), entry("f", content=b"f"), error=f"the {word} -1")
        refused(f"{what}-in-pax-no-number", pax([(what, "0x10")]), entry("f", content=b"f"), error="is malformed")
        refused(f"{what}-unmapped", pax([(what, "4000000000")]), entry("f", content=b"f"),
                error=("which this user namespace does not have", "hint: "))
    accepted("ids-in-base-256", entry("f", content=b"f", uid=base256(1000, 8), gid=base256(2000, 8)),
             tree={"f": "f 644 f 1000:2000"})
    accepted("id-of-junk-behind-pax", pax([("uid", "5"), ("gid", "6")]), entry("f", content=b"f", uid=b"junk", gid=b"junk"),
             tree={"f": "f 644 f 5:6"})
