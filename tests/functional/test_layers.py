"""The unpacked tree: what a container sees is what GNU tar makes of the same layers, with every storage driver."""

import json
import os
import shutil
import subprocess
import tarfile
import time
import unittest
from pathlib import Path

import make_image
from debian import debian_layers
from engine_test import GUEST, EngineTest
from make_image import directory_entry, file_entry, link_entry, tar_of

HERE = Path(__file__).resolve().parent
# The engine's own files and mount points; present in the first layer, so that none has to be made.
PRESENT = ["dev", "proc", "sys", "run", "etc"]
OURS = ["etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", "run/.containerenv"]


def with_xattrs(info, **attributes):
    """PAX records as GNU tar writes them; values are bytes, written as text that keeps them."""
    for name, value in attributes.items():
        info.pax_headers["SCHILY.xattr." + name.replace("__", ".")] = value.decode("utf-8", "surrogateescape")
    return info


def file_capability(*bits):
    """A version 2 security.capability value with the effective flag. Source: linux/capability.h, vfs_cap_data."""
    permitted = sum(1 << bit for bit in bits)
    return b"\1\0\0\2" + permitted.to_bytes(4, "little") + bytes(4) + bytes(8)


def first_layer():
    entries = [(directory_entry(name), b"") for name in PRESENT]
    entries += [(file_entry(name), b"") for name in OURS]
    entries.append((file_entry("guest", 0o755), Path(GUEST).read_bytes()))
    entries += [(directory_entry(name, mode, uid, gid), b"") for name, mode, uid, gid in (
        ("plain", 0o755, 0, 0), ("sticky", 0o1777, 0, 0), ("setgid", 0o2775, 0, 50), ("closed", 0o700, 1000, 1000),
        ("unreadable", 0o000, 0, 0), ("opaque", 0o755, 0, 0), ("opaque/old", 0o755, 0, 0), ("gone", 0o755, 0, 0),
        ("becomes-file", 0o755, 0, 0), ("replaced", 0o750, 3, 4))]
    entries += [(file_entry(name, mode, uid, gid), data) for name, mode, uid, gid, data in (
        ("plain/a", 0o644, 0, 0, b"a"), ("plain/setuid", 0o4755, 0, 0, b"s"), ("plain/setgid", 0o2755, 0, 42, b"s"),
        ("plain/foreign", 0o640, 1000, 65534, b"f"), ("plain/high", 0o604, 65000, 64000, b"h"),
        ("plain/nothing", 0, 7, 8, b"n"),
        ("closed/inside", 0o600, 1000, 1000, b"i"), ("unreadable/inside", 0o600, 1000, 1000, b"i"),
        ("opaque/a", 0o644, 0, 0, b"a"),
        ("opaque/old/b", 0o644, 0, 0, b"b"), ("gone/a", 0o644, 0, 0, b"a"), ("plain/removed", 0o644, 0, 0, b"r"),
        ("becomes-file/x", 0o644, 0, 0, b"x"), ("becomes-directory", 0o644, 0, 0, b"y"),
        ("replaced/kept", 0o644, 0, 0, b"k"),
        ("plain/empty", 0o644, 0, 0, b""), ("plain/" + "long name " * 20, 0o644, 0, 0, b"l"),
        ("plain/\u00fcml\u00e4ut \u4e2d", 0o644, 0, 0, b"u"),
        ("plain/new\nline", 0o644, 0, 0, b"n"))]
    deep = "deep"
    for _ in range(25):
        entries.append((directory_entry(deep), b""))
        deep += "/" + "d" * 12
    entries.append((file_entry(deep), b"deep"))
    entries += [(link_entry("plain/hard", "plain/a", hard=True), b""), (link_entry("plain/soft", "a"), b""),
                (link_entry("plain/dangling", "/no/where/" + "x" * 150), b""),
                (link_entry("plain/up", "../../../../etc"), b"")]
    entries.append((with_xattrs(file_entry("plain/xattrs"), user__comment=b"hello",
                                user__binary="\u00e9\u4e2d".encode()), b"x"))
    entries.append((with_xattrs(file_entry("plain/capable", 0o755), security__capability=file_capability(10, 13)),
                    b"c"))
    fraction = file_entry("plain/fraction")
    fraction.mtime, fraction.pax_headers["mtime"] = 1500000000.25, "1500000000.250000000"
    old = file_entry("plain/old", mtime=0)
    future = file_entry("plain/future", mtime=4102444800)
    fifo = file_entry("plain/fifo", 0o620)
    fifo.type = tarfile.FIFOTYPE
    return tar_of([*entries, (fraction, b"f"), (old, b"o"), (future, b"f"), (fifo, b"")])


def second_layer():
    entries = [(directory_entry(name, mode, uid, gid), b"") for name, mode, uid, gid in (
        ("plain", 0o755, 0, 0), ("opaque", 0o755, 0, 0), ("becomes-directory", 0o711, 5, 6),
        ("replaced", 0o711, 9, 10))]
    entries += [(file_entry(name), b"") for name in (
        "plain/.wh.removed", "opaque/.wh..wh..opq", ".wh.gone", ".wh.becomes-file", ".wh.becomes-directory")]
    entries.sort(key=lambda entry: not entry[0].name.startswith(".wh."))  # whiteouts before what takes their place
    entries += [(file_entry("becomes-file", 0o600, 1, 1), b"a file now"), (file_entry("becomes-directory/in"), b"in"),
                (file_entry("opaque/fresh"), b"fresh"), (file_entry("plain/a", 0o666, 2, 2), b"other bytes"),
                (link_entry("plain/hard-to-second", "plain/a", hard=True), b"")]
    return tar_of(entries)


def gnu_sparse_layers(directory):
    """The same sparse file in each of GNU tar's formats."""
    with open(directory / "sparse", "wb") as file:
        for offset in (1_000_000, 40_000_000):
            file.seek(offset)
            file.write(b"island")
        file.truncate(60_000_000)
    for form in ("gnu", "posix"):
        tar = directory / f"sparse-{form}.tar"
        subprocess.run(["tar", "--create", "--sparse", f"--format={form}", "--owner=0", "--group=0", "--numeric-owner",
                        "--transform", f"s/sparse/sparse-{form}/", "--file", tar, "sparse"], cwd=directory, check=True)
        yield tar.read_bytes()


class TreeTest(EngineTest):
    def pull_layers(self, layers, compressions=("gzip", "zstd", "none")):
        """An image of these tars, and the tars as files for GNU tar."""
        image = make_image.Image("localhost/tree:latest", {"Cmd": ["/guest", "wait"]})
        files = []
        for number, tar in enumerate(layers):
            image.add_layer(tar, compressions[number % len(compressions)])
            files.append(self.dir / f"layer-{number}.tar")
            files[-1].write_bytes(tar)
        self.engine("pull", "-q", self.archive(image, "tree.tar"))
        return files

    def container_tree(self):
        """What a running container sees, walked by a program outside that joined its user namespace."""
        container = self.engine("run", "-d", "--network", "none", "localhost/tree:latest").stdout.strip()
        pid = self.inspect(container)["State"]["Pid"]
        tree = self.tool("nsenter", "--target", pid, "--user", "--preserve-credentials", "/usr/bin/python3",
                         HERE / "tree.py",
                         "walk", f"/proc/{pid}/root")
        self.engine("rm", "-f", "--time", "0", container)
        return json.loads(tree.stdout)

    def reference_tree(self, files, verb="extract"):
        directory = self.root / ("reference-" + verb)
        self.engine("unshare", "/usr/bin/python3", HERE / "tree.py", verb, directory, *files)
        return self.engine("unshare", "/usr/bin/python3", HERE / "tree.py", "walk", directory).json()

    def assert_same_tree(self, seen, expected):
        for path in OURS:  # bound over or made by the engine
            seen.pop(path, None)
            expected.pop(path, None)
        for tree in (seen, expected):  # changed when the link etc/mtab is made
            tree.get("etc", {}).pop("mtime", None)
        differences = [f"{path!r}: only {'in the container' if path in seen else 'by tar'}"
                       for path in sorted(seen.keys() ^ expected.keys())]
        differences += [f"{path!r}: container {seen[path]}\n    tar {expected[path]}"
                        for path in sorted(seen.keys() & expected.keys()) if seen[path] != expected[path]]
        if differences:
            self.fail(f"{len(differences)} differences:\n" + "\n".join(differences[:40]))


class DriverTests:
    """Run once with each storage driver by the classes below."""

    def setUp(self):
        super().setUp()
        if self.driver == "fuse-overlayfs" and not os.access("/dev/fuse", os.R_OK | os.W_OK):
            self.skipTest("/dev/fuse is closed to this user")

    def test_a_tree_with_everything_in_it(self):
        files = self.pull_layers([first_layer(), second_layer(), *gnu_sparse_layers(self.dir)])
        self.assert_same_tree(self.container_tree(), self.reference_tree(files))

    def test_directories_that_a_layer_does_not_list_are_as_the_layers_below_say(self):
        def entries(*rows):
            return tar_of([(directory_entry(name, mode, owner, owner), b"") if kind == "d" else
                           (file_entry(name, mode, owner, owner), b"x") for kind, name, mode, owner in rows])
        base = [(directory_entry(name), b"") for name in PRESENT] + [(file_entry(name), b"") for name in OURS]
        base.append((file_entry("guest", 0o755), Path(GUEST).read_bytes()))
        base += [(directory_entry(name, mode, owner, owner + 1), b"") for name, mode, owner in (
            (".", 0o711, 0), ("shared", 0o1777, 0), ("home", 0o755, 0), ("home/user", 0o2750, 1000),
            ("home/user/private", 0o700, 1000), ("hidden", 0o700, 5), ("hidden/in", 0o711, 6), ("emptied", 0o770, 7),
            ("emptied/in", 0o700, 8), ("replaced", 0o700, 9))]
        base.append((with_xattrs(directory_entry("noted", 0o701, 3, 4), user__note=b"kept"), b""))
        base += [(file_entry("home/user/file"), b"f"), (file_entry("emptied/old"), b"o")]
        layers = [
            tar_of(base),
            entries(("f", "shared/new", 0o644, 1), ("f", "home/user/private/new", 0o600, 1000),
                    ("f", "noted/new", 0o644, 0), ("f", "nowhere/before/new", 0o644, 0)),
            entries(("f", ".wh.hidden", 0, 0), ("f", "emptied/.wh..wh..opq", 0, 0), ("f", ".wh.replaced", 0, 0),
                    ("f", "home/user/again", 0o600, 1000)),
            entries(("f", "hidden/in/new", 0o644, 0), ("f", "emptied/in/new", 0o644, 0),
                    ("f", "replaced/new", 0o644, 0), ("f", "nowhere/before/again", 0o644, 0),
                    ("f", "home/user/private/again", 0o600, 1000)),
        ]
        files = self.pull_layers(layers)
        seen, expected = self.container_tree(), self.reference_tree(files)
        for path, entry in expected.items():
            if entry["kind"] == "directory":  # where tar put a file later: now, or never told
                entry["mtime"] = seen[path]["mtime"]
        self.assert_same_tree(seen, expected)
        self.assertEqual(seen["home/user/private"]["owner"], [1000, 1001])
        self.assertEqual(seen["home/user"]["mtime"], directory_entry("x").mtime * 10**9)
        container = self.engine("run", "-d", "--network", "none", "localhost/tree:latest").stdout.strip()
        pid = self.inspect(container)["State"]["Pid"]
        root = self.tool("nsenter", "--target", pid, "--user", "--preserve-credentials", "/usr/bin/stat", "--format=%a",
                         f"/proc/{pid}/root/")
        self.assertEqual(root.stdout, "711\n")

    def test_an_opaque_root_hides_all_layers_below(self):
        top = [(file_entry(".wh..wh..opq"), b""), (file_entry("guest", 0o755), Path(GUEST).read_bytes()),
               *((directory_entry(name), b"") for name in PRESENT), *((file_entry(name), b"") for name in OURS),
               (file_entry("plain/fresh"), b"fresh")]
        files = self.pull_layers([first_layer(), tar_of(top), tar_of([(file_entry("plain/last"), b"last")])])
        expected = self.reference_tree(files)
        self.assertNotIn("plain/a", expected)
        seen = self.container_tree()
        for path, entry in expected.items():
            if entry["kind"] == "directory":
                entry["mtime"] = seen[path]["mtime"]
        self.assert_same_tree(seen, expected)

    def test_layers_that_are_there_already_are_taken_over_from(self):
        """As above, but the layers below were pulled earlier, with another image."""
        base = self.guest_image().add_layer(tar_of([(directory_entry("shared", 0o1777), b"")]))
        self.engine("pull", "-q", self.archive(base, "base.tar"))
        above = self.guest_image("localhost/above:1").add_layer(tar_of([(directory_entry("shared", 0o1777), b"")]))
        above.add_layer(tar_of([(file_entry("shared/new"), b"x")]))
        self.engine("pull", "-q", self.archive(above, "above.tar"))
        self.assertEqual(self.in_container("localhost/above:1", "stat", "-c", "%a", "/shared").stdout, "1777\n")

    def test_a_debian_root_file_system_in_several_layers(self):
        layers = debian_layers(self)
        guest = tar_of([(file_entry("guest", 0o755), Path(GUEST).read_bytes()), (directory_entry("run"), b""),
                        (directory_entry("etc"), b""),
                        *((file_entry(name), b"") for name in OURS if name != "etc/hostname")])
        files = self.pull_layers([*layers, guest])
        expected = self.reference_tree(files)
        self.assertGreater(len(expected), 3000)
        self.assert_same_tree(self.container_tree(), expected)
        done = self.engine("run", "--rm", "--network", "none", "localhost/tree:latest", "dpkg-query", "--show", "dpkg")
        self.assertIn("dpkg", done.stdout)

    def test_what_a_container_writes_stays_in_it(self):
        self.pull_image()
        script = ("echo changed > /etc/passwd; rm /bin/ls; mkdir /new; chown 1000:1000 /etc/group; "
                  "chmod 600 /etc/group; mv /usr /moved")
        self.in_container("localhost/busybox", "sh", "-c", script)
        self.assertIn("root:x:0", self.in_container("localhost/busybox", "cat", "/etc/passwd").stdout)
        self.assertNotIn("moved", self.in_container("localhost/busybox", "ls", "/").stdout)
        self.engine("run", "--name", "kept", "--network", "none", "localhost/busybox", "sh", "-c",
                    script + "; ls -l /etc/group")
        self.assertIn("moved", self.engine("run", "--replace", "--name", "other", "--network", "none",
                                           "localhost/busybox",
                                           "sh", "-c", "mkdir /moved; ls /").stdout)

    def test_a_file_with_capabilities_gives_them(self):
        """A setcap program run by an ordinary user of the container has its capability."""
        tar = tar_of([(with_xattrs(file_entry("capable", 0o755), security__capability=file_capability(10)),
                       Path(GUEST).read_bytes())])
        image = self.guest_image().add_layer(tar)
        self.engine("pull", "-q", self.archive(image))
        report = self.in_container("-u", "1000", "localhost/busybox", "/capable").json()
        self.assertEqual(int(report["status"]["CapEff"], 16), 1 << 10)


class OverlayTest(DriverTests, TreeTest):
    driver = "overlay"


class FuseOverlayTest(DriverTests, TreeTest):
    driver = "fuse-overlayfs"


class CopyTest(DriverTests, TreeTest):
    driver = "copy"


class LayerTest(TreeTest):
    @unittest.skipUnless(shutil.which("bsdtar"), "bsdtar is not installed")
    def test_libarchive_makes_the_same_of_a_debian_root_file_system(self):
        guest = tar_of([(file_entry("guest", 0o755), Path(GUEST).read_bytes()), (directory_entry("run"), b""),
                        (directory_entry("etc"), b""), *((file_entry(name), b"") for name in OURS)])
        files = self.pull_layers([*debian_layers(self), *gnu_sparse_layers(self.dir), guest])
        begun = time.time_ns()
        expected = self.reference_tree(files, "bsdtar")
        self.assertGreater(len(expected), 3000)
        seen = self.container_tree()
        for path, entry in expected.items():  # of a directory that was there libarchive does not set the time again
            if entry["kind"] == "directory" and entry["mtime"] > begun - 10**9:
                entry["mtime"] = seen[path]["mtime"]
        self.assert_same_tree(seen, expected)

    def test_parents_that_no_layer_lists_are_made(self):
        self.pull_layers([first_layer(), tar_of([(file_entry("made/up/file"), b"x")])])
        tree = self.container_tree()
        self.assertEqual((tree["made/up"]["mode"], tree["made/up"]["owner"]), ("0o755", [0, 0]))

    def test_device_nodes_are_no_obstacle(self):
        """An ordinary user cannot make them; the image works without, as it does elsewhere."""
        device = file_entry("some-device")
        device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 3
        self.pull_layers([first_layer(), tar_of([(device, b""), (file_entry("after"), b"x")])])
        self.assertIn("after", self.container_tree())

    def test_layers_that_reach_outside_are_refused_or_kept_inside(self):
        outside = self.dir / "outside"
        outside.mkdir()
        absolute = str(outside)
        for name, entries in (
                ("dots", [(file_entry("../../../../../../../.." + absolute + "/dots"), b"x")]),
                ("absolute", [(file_entry(absolute + "/absolute"), b"x")]),
                ("link", [(link_entry("way", absolute), b""), (file_entry("way/link"), b"x")]),
                ("hard", [(link_entry("hard", "../../../../../../.." + absolute + "/target", hard=True), b"")]),
                ("whiteout", [(link_entry("way", absolute), b""), (file_entry("way/.wh.target"), b"")]),
                ("opaque", [(link_entry("way", absolute), b""), (file_entry("way/.wh..wh..opq"), b"")])):
            with self.subTest(name=name):
                (outside / "target").write_text("untouched")
                image = make_image.Image(f"localhost/{name}:1").add_layer(tar_of(entries))
                self.engine("pull", "-q", self.archive(image, f"{name}.tar"), check=False)
                self.assertEqual([path.name for path in outside.iterdir()], ["target"])
                self.assertEqual((outside / "target").stat().st_nlink, 1)


