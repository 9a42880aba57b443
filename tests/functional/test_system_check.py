"""Damage of every kind, done by hand: the check names it, the repair mends it, a second check is clean, the image runs."""

import json
import os
import subprocess
from pathlib import Path

import make_image
from engine_test import BUSYBOX, EngineTest, wait_until
from make_image import directory_entry, file_entry, link_entry, sha256, tar_of
from registry_server import RealRegistry


class CheckTest(EngineTest):
    def check(self, *options, clean=None):
        """The findings as (severity, kind), with the whole report at .report."""
        done = self.engine("system", "check", "--format", "json", *options, check=False)
        self.report = json.loads(done.stdout)
        self.assertEqual(done.status, 1 if self.report["Damaged"] else 0, done)
        if clean is not None:
            self.assertEqual(not self.report["Damaged"], clean, done)
        return sorted((finding["Severity"], finding["Kind"]) for finding in self.report["Findings"])

    def assert_found(self, kind, *options, severity="damage"):
        self.assertIn((severity, kind), self.check(*options), self.report)

    def assert_sound(self):
        self.assertEqual(self.check("--deep"), [], self.report)
        self.assertEqual(self.engine("system", "check", "--deep").stdout, "The store is sound.\n")

    def assert_repairs(self, kind, *options):
        """What is found is repaired, once and for all."""
        self.assert_found(kind, *options)
        before = self.listing()
        self.assert_found(kind, *options)
        self.assertEqual(self.listing(), before, "looking changes nothing")
        self.check("--repair", *options, clean=True)
        self.assertIn((kind, "repaired"),
                      [(finding["Kind"], finding["Outcome"]) for finding in self.report["Findings"]])
        self.assert_sound()
        self.check("--repair", "--deep", clean=True)
        self.assertEqual(self.report["Findings"], [])
        self.assert_nothing_unfinished()

    def assert_runs(self, image=BUSYBOX):
        self.assertEqual(self.in_container(image, "echo", "works").stdout, "works\n")

    def inside(self, script):
        """A shell as root of the user namespace, in the store."""
        return self.engine("unshare", "sh", "-ec", f"cd {self.root}; {script}").stdout

    def listing(self):
        return self.inside("find . -printf '%p %m %s %T@\n' | sort")

    def only(self, pattern):
        found = list(self.root.glob(pattern))
        self.assertEqual(len(found), 1, (pattern, found))
        return found[0]

    def layer_of(self, path):
        """The unpacked tree that has `path`."""
        return self.inside(f"ls -d layers/*/*/diff/{path}").strip()[:-len(path) - 1]


class LayerDamageTest(CheckTest):
    """Rebuilt from the kept blob: no network is needed."""

    def setUp(self):
        super().setUp()
        image = self.guest_image()
        image.add_layer(tar_of([
            (directory_entry("odd", 0o750, 5, 6), b""), (file_entry("odd/secret", 0o4640, 7, 8), b"secret"),
            (link_entry("odd/link", "secret"), b""), (link_entry("odd/twin", "odd/secret", hard=True), b""),
            (file_entry("odd/empty"), b""), (file_entry(".wh.tmp"), b""), (directory_entry("usr/bin"), b""),
            (file_entry("usr/bin/.wh..wh..opq"), b"")]))
        self.engine("pull", "-q", self.archive(image))
        self.assert_sound()

    def test_every_way_a_tree_can_be_damaged(self):
        tree = self.layer_of("odd/secret")
        for damage, told in (
                ("printf Secret > odd/secret", 'the content of "odd/secret" is not what was pulled'),
                ("printf more >> odd/secret", '"odd/secret" has 10 bytes instead of 6'),
                ("rm odd/empty", '"odd/empty" is missing'),
                ("rm -r odd", '"odd" is missing'),
                ("touch odd/new", '"odd/new" does not belong there'),
                ("chmod 0755 odd", '"odd" has the mode 0755 instead of 0750'),
                ("chmod u-s odd/secret", '"odd/secret" has the mode 0640 instead of 4640'),
                ("chown 9:8 odd/secret; chmod 4640 odd/secret", '"odd/secret" belongs to 9:8 instead of 7:8'),
                ("ln -sfn elsewhere odd/link", '"odd/link" points elsewhere than to "secret"'),
                ("cp -p odd/twin odd/copy; mv odd/copy odd/twin", '"odd/twin" is not the hard link'),
                ("rm odd/empty; mkdir odd/empty", '"odd/empty" is a directory and not a file'),
                ("rm tmp; touch tmp", '"tmp" is a file and not a character device'),
                ("setfattr -x user.overlay.opaque usr/bin", '"usr/bin" is not marked as opaque'),
                ("setfattr -n user.overlay.opaque -v y odd", '"odd" is marked as opaque and should not be')):
            with self.subTest(damage=damage):
                self.inside(f"cd {tree}; {damage}")
                self.assertEqual(self.check(), [], "an ordinary check reads no files of layers")
                self.assert_found("layer-damaged", "--deep")
                self.assertIn(told, self.report["Findings"][0]["Message"])
                self.check("--deep", "--repair", clean=True)
                self.assert_sound()
        self.assert_runs()
        self.assert_nothing_unfinished()
        self.assertEqual(self.inside(f"cd {tree}; stat -c '%a %u %g' odd odd/secret"), "750 5 6\n4640 7 8\n")

    def test_file_capabilities(self):
        capability = bytes.fromhex("0100000200040000000000000000000000000000")  # net_bind_service, effective
        with_capability = file_entry("server", 0o755)
        with_capability.pax_headers = {"SCHILY.xattr.security.capability": capability.decode("latin-1")}
        image = make_image.Image("localhost/cap:1").add_layer(tar_of([(with_capability, b"server")]))
        self.engine("pull", "-q", self.archive(image, "cap.tar"))
        tree = self.layer_of("server")
        if "security.capability" not in self.inside(f"getfattr -d -m - {tree}/server"):
            self.skipTest("this file system keeps no capabilities")
        self.assert_sound()
        self.inside(f"setfattr -x security.capability {tree}/server")
        self.assert_repairs("layer-damaged", "--deep")

    def test_a_tree_that_is_gone(self):
        for damage in ("rm -r layers/*/*/diff", "rm -r layers/*/single layers/*/user-* 2>/dev/null || true", "rm -r layers/*"):
            with self.subTest(damage=damage):
                self.inside(damage)
                self.assertNotEqual(self.check("--quick", clean=False), [])
                self.check("--repair", clean=True)
                self.assert_sound()
                self.assert_runs()

    def test_records_of_a_layer(self):
        for damage in ("rm $layer/meta", "echo '{' > $layer/meta", "truncate -s 100 $layer/owners", "rm $layer/owners",
                       "sed -i 2d $layer/owners"):
            with self.subTest(damage=damage):
                self.inside(f"layer=$(ls -d layers/* | head -n 1); {damage}")
                self.assert_repairs("layer-owners" if "owners" in damage else "layer-record")
        self.assert_runs()

    def test_a_layer_in_use_is_not_replaced(self):
        container = self.start_sleeper("--name", "box")
        tree = self.layer_of("odd/secret")
        self.inside(f"rm {tree}/odd/empty")
        self.check("--deep", "--repair", clean=False)
        self.assertIn("runs on a layer that must be replaced; engine stop box", " ".join(self.report["Lost"]))
        self.assertEqual(self.engine("exec", container, "cat", "/odd/secret").stdout, "secret")
        self.engine("stop", "-t", "0", container)
        self.check("--deep", "--repair", clean=True)
        self.engine("start", container)
        self.assertEqual(self.engine("exec", container, "ls", "/odd").stdout, "empty\nlink\nsecret\ntwin\n")

    def test_what_a_container_wrote_stays(self):
        self.engine("run", "--name", "box", "--network", "none", "-v", "data:/data", BUSYBOX, "sh", "-c",
                    "echo mine > /odd/secret; echo mine > /data/file")
        self.inside(f"rm {self.layer_of('odd/empty')}/odd/empty")
        self.assert_repairs("layer-damaged", "--deep")
        self.engine("start", "--attach", "box")
        self.assertEqual(self.inside("cat containers/*/upper/odd/secret volumes/data/_data/file"), "mine\nmine\n")

    def test_a_layer_of_two_images(self):
        self.engine("pull", "-q", self.archive(self.guest_image("localhost/other:1"), "other.tar"))
        self.inside(f"rm {self.layer_of('guest')}/guest")
        self.assert_repairs("layer-damaged", "--deep")
        for image in (BUSYBOX, "localhost/other:1"):
            self.assert_runs(image)


class FetchTest(CheckTest):
    """What the store has no more comes from the registry that the name says."""

    def setUp(self):
        super().setUp()
        self.registry = RealRegistry(self.dir / "registry")
        self.addCleanup(self.registry.stop)
        self.name = f"{self.registry.name}/team/box:1"
        self.image = self.guest_image()
        self.registry.push("team/box", "1", self.image)
        self.engine("pull", "-q", "--tls-verify=false", self.name)
        self.trust = "--tls-verify=false"
        self.assert_sound()

    def blob(self, data):
        digest = sha256(data)[7:]
        return self.root / "blobs/sha256" / digest[:2] / digest

    def flip(self, path):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)

    def test_a_flipped_bit_in_a_compressed_layer(self):
        self.flip(self.blob(self.image.layers[0][0]))
        self.assertEqual(self.check(), [], "its size is right")
        self.assert_repairs("blob-damaged", "--deep", self.trust)
        self.assertEqual(self.blob(self.image.layers[0][0]).read_bytes(), self.image.layers[0][0])

    def test_a_cut_compressed_layer(self):
        path = self.blob(self.image.layers[0][0])
        path.chmod(0o644)
        os.truncate(path, 100)
        self.assert_repairs("blob-damaged", self.trust)

    def test_manifest_and_config(self):
        for data in (self.image.manifest_bytes(), self.image.config_bytes()):
            with self.subTest(data=data[:40]):
                self.flip(self.blob(data))
                self.assert_repairs("blob-damaged", self.trust)
                self.blob(data).unlink()
                self.assert_repairs("blob-missing", self.trust)
                self.assert_runs(self.name)

    def test_a_layer_whose_blob_is_damaged_too(self):
        self.flip(self.blob(self.image.layers[0][0]))
        self.inside(f"rm {self.layer_of('bin/busybox')}/bin/busybox")
        self.assert_repairs("layer-damaged", "--deep", self.trust)
        self.assert_runs(self.name)

    def test_everything_of_an_image_but_its_name(self):
        self.inside("rm -rf images/* layers/* blobs/sha256/*")
        self.assert_repairs("name-dangling", self.trust)
        self.assert_runs(self.name)

    def test_while_the_registry_is_away_nothing_is_given_up(self):
        self.registry.stop()
        self.inside("rm -rf layers/* blobs/sha256/*")
        self.check("--repair", self.trust, clean=False)
        self.assertEqual(self.engine("images", "--format", "json", check=False).status, 125)  # the config cannot be read
        self.assertTrue(any(line.startswith("not repaired: ") for line in self.report["Lost"]), self.report)
        self.check("--repair", "--force", self.trust, clean=True)
        self.assertIn(f"engine pull {self.name}", " ".join(self.report["Lost"]))
        self.assertEqual(self.engine("images", "-q").stdout, "")
        self.assert_sound()

    def test_a_compressed_layer_that_cannot_be_fetched(self):
        self.flip(self.blob(self.image.layers[0][0]))
        self.registry.stop()
        self.check("--deep", "--repair", self.trust, clean=True)
        self.assertIn("push and save will have to compress it again", " ".join(self.report["Lost"]))
        self.assertFalse(self.blob(self.image.layers[0][0]).exists())
        self.assert_runs(self.name)
        self.assert_sound()


class RecordsTest(CheckTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_an_image_record(self):
        record = self.only("images/*")
        text = record.read_text()
        for damage in ("", "{", text.replace('"layers":["sha256:', '"layers":["sha256:' + "0" * 64 + '","sha256:')):
            with self.subTest(record=damage):
                record.write_text(damage)
                self.assert_repairs("image-record")
                self.assertEqual(json.loads(record.read_text())["layers"], json.loads(text)["layers"])
        record.unlink()
        self.assert_repairs("name-dangling")
        self.assert_runs()

    def test_a_name(self):
        self.only("refs/*").write_text("nonsense")
        self.assert_repairs("name-damaged")
        self.assertEqual(self.engine("images", "-q").stdout.count("\n"), 1)  # the image stays, without a name

    def test_an_image_that_nobody_has_any_more(self):
        self.engine("create", "--name", "box", "--network", "none", BUSYBOX, "true")
        self.inside("rm -rf layers/* blobs/sha256/*")
        self.check("--repair", clean=False)
        self.assertIn(f"lost: image {BUSYBOX} (it came from no registry, so it cannot be fetched again); "
                      f"to get it again: engine pull {BUSYBOX}", self.report["Lost"])
        self.assertEqual(self.engine("images", "-q").stdout, "")
        self.assertEqual(self.engine("ps", "-aq").stdout.count("\n"), 1)
        self.check("--repair", "--force", clean=True)
        self.assert_no_containers()
        self.assert_sound()

    def test_leftovers_of_killed_processes(self):
        (self.root / "staging/dead/layer-0").mkdir(parents=True)
        (self.root / "staging/dead/.lock").touch()
        (self.root / "trash/gone").mkdir()
        (self.root / "containers" / (".new-" + "a" * 64)).mkdir()
        (self.root / "refs/.name.123").touch()
        (self.root / "layers" / ("b" * 64)).mkdir()
        (self.root / "blobs/sha256/cc").mkdir()
        (self.root / "blobs/sha256/cc" / ("c" * 64)).write_text("orphan")
        (self.root / "blobs/sha256/cc/stray").touch()
        self.assertEqual(self.check(clean=True), [("leftover", kind) for kind in (
            "blob-orphan", "container-unborn", "layer-orphan", "staging-stale", "stray", "temporary-file", "trash")])
        done = self.engine("system", "check")
        self.assertTrue(done.stdout.endswith("The store is sound; 7 leftovers.\n"), done)
        self.check("--repair", clean=True)
        self.assert_sound()
        self.assert_runs()

    def test_work_that_goes_on_is_no_leftover(self):
        process = self.start_engine("pull", "oci-archive:/dev/stdin", stdin=subprocess.PIPE)
        container = self.start_sleeper()
        self.assertEqual(self.check("--deep"), [])
        self.engine("rm", "-f", "-t", "0", container)
        process.stdin.close()
        process.wait(60)

    def test_folders_and_their_modes(self):
        (self.root / "trash").rmdir()
        self.assert_repairs("folder-missing")
        (self.root / "volumes").chmod(0o755)
        self.assert_repairs("permissions")
        self.assert_runs()

    def test_words_and_exit_codes(self):
        self.assertEqual(self.engine("system", "fsck", "-q").stdout, "The store is sound.\n")
        self.assert_fails(self.engine("system", "check", "--quick", "--deep", check=False), 125, "excludes")
        self.assert_fails(self.engine("system", "check", "--force", check=False), 125, "--repair")
        self.engine("system", "check", "--max", "24h")
        self.only("refs/*").write_text("nonsense")
        done = self.engine("system", "check", check=False)
        self.assertEqual(done.status, 1, done)
        self.assertRegex(done.stdout, r"\Adamage: a name of an image is lost: .*\nThe store is damaged: 1 finding.\n\Z")
        self.assertEqual(self.engine("system", "check", "-r").stdout.splitlines()[-1], "The store is sound.")


class ContainersTest(CheckTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def create(self, name="box"):
        container = self.engine("create", "--name", name, "--network", "none", BUSYBOX, "true").stdout.strip()
        return container, self.root / "containers" / container

    def test_a_state(self):
        container, folder = self.create()
        self.engine("start", container)
        self.engine("wait", container)
        (folder / "state").write_text("{")
        self.assert_repairs("container-state")
        self.assertEqual(self.status_of(container), "exited")
        self.engine("start", container)

    def test_a_record_and_a_config(self):
        for file, kind in (("record", "container-record"), ("config.json", "container-config")):
            with self.subTest(file=file):
                container, folder = self.create()
                (folder / file).unlink()
                if file == "record":
                    (folder / file).write_text("{")
                self.assert_found(kind)
                self.check("--repair", clean=False)
                self.assertTrue(folder.exists(), "nothing that a container wrote goes without being told")
                self.check("--repair", "--force", clean=True)
                self.assertFalse(folder.exists())
                self.assert_sound()

    def test_a_name_that_was_lost(self):
        container, _ = self.create()
        (self.root / "names/box").unlink()
        self.assert_repairs("container-name")
        self.assertEqual(self.inspect("box")["Id"], container)

    def test_a_name_that_dangles(self):
        _, folder = self.create()
        (self.root / "names/stale").write_text((folder / "record").read_text().replace(folder.name, "f" * 64))
        self.assert_found("container-name-stale", severity="leftover")
        self.check("--repair", clean=True)
        self.assert_sound()

    def test_one_that_nobody_watches(self):
        container = self.start_sleeper()
        pid = self.inspect(container)["State"]["Pid"]
        monitor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(monitor, 9)
        wait_until(lambda: self.check() == [("note", "container-unwatched")], "the monitor is gone")
        self.engine("rm", "-f", "-t", "0", container)

    def test_a_volume(self):
        self.in_container("-v", "data:/data", BUSYBOX, "sh", "-c", "echo kept > /data/file")
        meta = self.root / "volumes/data/meta"
        for damage in (meta.unlink, lambda: meta.write_text("{")):
            damage()
            self.assert_repairs("volume-record")
        self.assertEqual(self.in_container("-v", "data:/data", BUSYBOX, "cat", "/data/file").stdout, "kept\n")
        self.inside("rm -r volumes/data/_data")
        self.assert_found("volume-data")
        self.check("--repair", clean=False)

