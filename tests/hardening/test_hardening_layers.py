"""Every fixture of layer_fixtures_*.py is pulled: the tree or the error is as the table says, and nothing else changes."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import layer_archive
import layer_fixtures_format
import layer_fixtures_tree
import make_image
from engine_test import Result
from hardening_test import HardeningTest, row, snapshot

HERE = Path(__file__).resolve().parent
MAX_RSS_MIB = 64  # of the largest process

# Runs commands from a small process: what this one has in memory would count until the command has become itself.
RUNNER = """
import json, os, sys
for line in sys.stdin:
    command, out, err = json.loads(line)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, out, flags, 0o600),
               (os.POSIX_SPAWN_OPEN, 2, err, flags, 0o600)]
    _, status, usage = os.wait4(os.posix_spawn(command[0], command, os.environ, file_actions=actions), 0)
    print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss]), flush=True)
"""


def chain_id(diff_ids):
    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = "sha256:" + hashlib.sha256(f"{chain} {diff_id}".encode()).hexdigest()
    return chain


class LayerTest(HardeningTest):
    def setUp(self):
        super().setUp()
        # Beside the usual canary one whose path is short enough for a tar header.
        self.canary = Path(layer_archive.CANARY)
        (self.canary / "folder").mkdir(parents=True)
        self.addCleanup(shutil.rmtree, self.canary)
        (self.canary / "file").write_text("alive\n")
        os.link(self.canary / "file", self.canary / "folder/link")
        self.before = snapshot(self.canary)
        self.settings = self.home / ".config/containers"
        self.settings.mkdir(parents=True)
        self.runner = subprocess.Popen(["/usr/bin/python3", "-S", "-c", RUNNER], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True, env=self.environment)
        self.addCleanup(self.runner.communicate)

    def image_of(self, fixture):
        image = make_image.Image(f"localhost/{fixture.name.lower()}:1")
        for index, tar in enumerate(fixture.layers):
            packed = fixture.blobs.get(index, None)
            if packed is None:
                packed = make_image.compress(tar, fixture.compression)
            image.layers.append((packed, make_image.LAYER_TYPES[fixture.compression], make_image.sha256(tar)))
        return image

    def pull(self, image):
        """The result and the largest resident set, in MiB."""
        folder = self.dir / "layout"
        image.write_layout(folder)
        command = self.command("pull", "-q", f"oci:{folder}")
        out, err = self.dir / "out", self.dir / "err"
        self.runner.stdin.write(json.dumps([command, str(out), str(err)]) + "\n")
        self.runner.stdin.flush()
        status, rss_kib = json.loads(self.runner.stdout.readline())
        shutil.rmtree(folder)
        return Result(command, status, out.read_text(), err.read_text()), rss_kib / 1024

    def check(self, fixture):
        """Pulls one; returns the folder of the highest layer when it is in the store."""
        image = self.image_of(fixture)
        (self.settings / "engine.conf").write_text("[unpack]\n" + fixture.limits + "\n")
        result, rss_mib = self.pull(image)
        identity = make_image.sha256(image.config_bytes())[7:]
        present = identity in self.engine("images", "-a", "-q", "--no-trunc").stdout
        self.assert_canary_alive(str(result))
        for folder in ("staging", "trash"):
            self.assertEqual(os.listdir(self.root / folder), [], result)
        if "ASAN_OPTIONS" not in os.environ:
            self.assertLess(rss_mib, MAX_RSS_MIB, result)
        if fixture.tree is None:
            self.assert_fails(result, 125, *fixture.error)
            self.assertFalse(present, result)
            return None
        self.assertEqual((result.status, result.stdout.strip(), present), (0, identity, True), result)
        chain = chain_id([layer[2] for layer in image.layers])
        layer = self.root / "layers" / chain.removeprefix("sha256:")
        variants = [entry for entry in layer.iterdir() if entry.is_dir() and not entry.is_symlink()]
        self.assertEqual(len(variants), 1, variants)
        return str(variants[0] / "diff")

    def check_all(self, make, at_least):
        layer_archive.FIXTURES.clear()
        make()
        self.assertGreaterEqual(len(layer_archive.FIXTURES), at_least)
        unpacked = {}
        for fixture in layer_archive.FIXTURES:
            with self.subTest(fixture=fixture.name):
                if folder := self.check(fixture):
                    unpacked[folder] = fixture
        seen = self.engine("unshare", "/usr/bin/python3", HERE / "layer_walk.py", input=json.dumps(list(unpacked))).json()
        for folder, fixture in unpacked.items():
            with self.subTest(fixture=fixture.name):
                self.assertEqual(seen[folder], fixture.tree)

    @row("layer-paths")
    def test_paths_that_lead_elsewhere(self):
        self.check_all(layer_fixtures_tree.traversal, 25)

    @row("layer-links")
    def test_symbolic_links_as_parents(self):
        self.check_all(layer_fixtures_tree.symlink_parents, 15)

    @row("layer-links")
    def test_hard_links(self):
        self.check_all(layer_fixtures_tree.hard_links, 18)

    @row("layer-whiteouts")
    def test_whiteouts(self):
        self.check_all(layer_fixtures_tree.whiteouts, 25)

    @row("layer-attributes")
    def test_extended_attributes(self):
        self.check_all(layer_fixtures_tree.xattrs, 20)

    @row("layer-attributes")
    def test_devices_owners_and_modes(self):
        self.check_all(layer_fixtures_tree.devices_and_modes, 30)

    @row("layer-dialects")
    def test_dialects_and_oddities(self):
        self.check_all(layer_fixtures_format.oddities, 45)

    @row("layer-dialects")
    def test_sparse_files(self):
        self.check_all(layer_fixtures_format.sparse, 14)

    @row("layer-bombs")
    def test_bombs(self):
        self.check_all(layer_fixtures_format.bombs, 25)

    @row("R11")
    def test_digests(self):
        self.check_all(layer_fixtures_format.digests, 8)


class LimitsTest(HardeningTest):
    """engine.conf: what it may not say."""

    @row("layer-bombs")
    def test_bad_values_are_one_clear_line(self):
        settings = self.home / ".config/containers"
        settings.mkdir(parents=True)
        for text, *parts in (
                ("[unpack]\nmax_entries = 0\n", "engine.conf: unpack.max_entries is not a number from 1 to", "hint: "),
                ("[unpack]\nmax_entries = -5\n", "unpack.max_entries is not a number"),
                ('[unpack]\nmax_unpacked_bytes = "much"\n', "unpack.max_unpacked_bytes is not a number"),
                ("[unpack]\nmax_component_bytes = 256\n", "unpack.max_component_bytes is not a number from 1 to 255"),
                ("[unpack]\nmax_entires = 5\n", "unpack.max_entires is not known", "hint: "),
                ('[pull]\nkeep_blobs = "no"\n', "pull.keep_blobs is neither true nor false"),
                ("[unpack\n", "engine.conf: line 1")):
            with self.subTest(text=text):
                (settings / "engine.conf").write_text(text)
                self.assert_fails(self.engine("images", check=False), 125, *parts)
        other = self.dir / "other.conf"
        other.write_text("[pull]\nkeep_blobs = false\n")
        self.engine("images", env={"ENGINE_CONF": str(other)})

    @row("layer-bombs")
    def test_compressed_layers_are_not_kept_where_that_is_configured(self):
        other = self.dir / "other.conf"
        other.write_text("[pull]\nkeep_blobs = false\n")
        image = self.guest_image()
        self.engine("pull", "-q", self.archive(image), env={"ENGINE_CONF": str(other)})
        kept = {path.name for path in (self.root / "blobs").rglob("*") if path.is_file()}
        self.assertFalse(kept & {make_image.sha256(layer[0])[7:] for layer in image.layers})
        self.assertEqual(self.in_container("localhost/busybox", "echo", "runs").stdout, "runs\n")
