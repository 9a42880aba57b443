"""system df, prune and reset: what they print is podman's, what they count is real, and what is used stays."""

import re

import make_image
from engine_test import BUSYBOX, EngineTest
from make_image import file_entry, tar_of


def small(name, text, **config):
    return make_image.Image(name, config).add_layer(tar_of([(file_entry("file"), text * 100_000)]))


class PruneTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def pull(self, image, archive="other.tar"):
        self.engine("pull", "-q", self.archive(image, archive))

    def create(self, *options, name="box", image=BUSYBOX):
        return self.engine("create", "--name", name, "--network", "none", *options, image, "true").stdout.strip()

    def names(self, command, *options):
        return self.engine(*command, *options).stdout.split()

    def du(self, *paths):
        """Blocks of the store's folders, seen from inside."""
        words = " ".join(paths or (".",))
        text = self.engine("unshare", "sh", "-c", f"cd {self.root}; du -sB1 -c {words} | tail -n 1").stdout
        return int(text.split()[0])

    def untag(self, name):
        self.engine("untag", name)

    def assert_sound(self):
        self.assertEqual(self.engine("system", "check", "--deep").stdout, "The store is sound.\n")


class UsageTest(PruneTest):
    def usage(self):
        return {line["Type"]: line for line in self.engine("system", "df", "--format", "json").json()}

    def test_the_table_is_podmans(self):
        lines = self.engine("system", "df").stdout.splitlines()
        self.assertEqual([re.split(r"  +", line.strip())[0] for line in lines],
                         ["TYPE", "Images", "Containers", "Local Volumes"])
        self.assertEqual(lines[0].split(), ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"])
        self.assertRegex(lines[1], r"^Images +1 +0 +[\d.]+[kM]?B +[\d.]+[kM]?B \(100%\)$")
        self.assertRegex(lines[2], r"^Containers +0 +0 +0B +0B \(0%\)$")
        usage = self.usage()["Images"]
        self.assertLessEqual({"Type", "Total", "Active", "RawSize", "RawReclaimable", "Size", "Reclaimable"}, set(usage))
        self.assert_fails(self.engine("system", "df", "-v", "--format", "json", check=False), 125, "--verbose")

    def test_real_blocks(self):
        self.pull(small("localhost/a:1", b"a"))
        usage = self.usage()["Images"]
        found = self.du("layers/*", "blobs/sha256/*/*")
        self.assertEqual(usage["RawSize"], found)
        self.assertEqual((usage["Total"], usage["Active"], usage["RawReclaimable"]), (2, 0, found))
        container = self.start_sleeper("-v", "data:/data", "--name", "box")
        self.engine("exec", container, "dd", "if=/dev/urandom", "of=/data/x", "bs=1k", "count=100")
        self.create(name="other")
        usage = self.usage()
        self.assertEqual((usage["Images"]["Active"], usage["Containers"]["Total"], usage["Containers"]["Active"]),
                         (1, 2, 1))
        self.assertLess(usage["Images"]["RawReclaimable"], found / 2)
        self.assertGreater(usage["Images"]["RawReclaimable"], 4000)
        self.assertEqual(usage["Local Volumes"]["RawSize"], self.du("volumes/data"))
        self.assertEqual(usage["Local Volumes"]["RawReclaimable"], 0)
        self.assertGreater(usage["Containers"]["RawReclaimable"], 0)

    def test_who_keeps_what(self):
        self.pull(self.guest_image("localhost/twin:1"))  # shares its layers, but not its name
        self.create("-v", "data:/data")
        self.engine("rmi", "-f", "localhost/twin:1", check=False)
        text = self.engine("system", "df", "-v").stdout
        for part in ("Images space usage:", "Containers space usage:", "Local Volumes space usage:",
                     "REPOSITORY", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS", "LOCAL VOLUMES", "LINKS",
                     f"container box, name {BUSYBOX}"):
            self.assertIn(part, text)
        self.assertRegex(text, r"data +1 +[\d.]+k?B +container box")
        (self.root / "staging/dead").mkdir()
        (self.root / "blobs/sha256/aa").mkdir(exist_ok=True)
        (self.root / "blobs/sha256/aa" / ("a" * 64)).write_text("orphan")
        text = self.engine("system", "df", "-v").stdout
        self.assertIn("Other space usage:", text)
        self.assertRegex(text, r"Unused layers and blobs +4.096kB +nothing: engine system prune")


class ContainerPruneTest(PruneTest):
    def test_only_what_does_not_run(self):
        running = self.start_sleeper()
        created, ended = self.create(name="one"), self.create(name="two")
        self.engine("start", ended)
        self.engine("wait", ended)
        done = self.engine("container", "prune", input="n\n")
        self.assertEqual(done.stdout, "WARNING! This will remove all non running containers.\n"
                                      "Are you sure you want to continue? [y/N] ")
        self.assert_fails(self.engine("container", "prune", check=False), 125, "--force")
        done = self.engine("container", "prune", "--dry-run")
        self.assertEqual(sorted(done.stdout.splitlines()[1:3]), sorted([created, ended]))
        self.assertRegex(done.stdout.splitlines()[3], r"^Would reclaim: [\d.]+kB$")
        self.assertEqual(len(self.names(["ps", "-aq"])), 3)
        done = self.engine("container", "prune", input="y\n")
        self.assertEqual(sorted(done.stdout.split("[y/N] ")[1].split()), sorted([created, ended]))
        self.assertEqual(self.names(["ps", "-aq", "--no-trunc"]), [running])
        self.assertEqual(self.engine("container", "prune", "-f").stdout, "")

    def test_filters(self):
        one = self.create("--label", "keep=yes", name="one")
        two = self.create(name="two")
        prune = ["container", "prune", "-f", "--filter"]
        self.assertEqual(self.names(prune, "until=1h"), [])
        self.assertEqual(self.names(prune, "until=2001-01-01"), [])
        self.assertEqual(self.names(prune, "label=other"), [])
        self.assertEqual(self.names(prune, "label!=keep"), [two])
        self.assertEqual(self.names(prune, "label=keep=yes", "--filter", "until=0s"), [one])
        self.assert_fails(self.engine(*prune, "color=red", check=False), 125, "known filters")
        self.assert_fails(self.engine(*prune, "until=soon", check=False), 125)


class ImagePruneTest(PruneTest):
    def setUp(self):
        super().setUp()
        self.pull(small("localhost/a:1", b"a", Labels={"team": "red"}))
        self.pull(small("localhost/b:1", b"b"))
        self.ids = {image["Names"][0]: image["Id"] for image in self.engine("images", "--format", "json").json()}

    def test_dangling_ones(self):
        self.untag("localhost/a:1")
        done = self.engine("image", "prune", input="n\n")
        self.assertEqual(done.stdout, "WARNING! This command removes all dangling images.\n"
                                      "Are you sure you want to continue? [y/N] ")
        done = self.engine("image", "prune", "--dry-run")
        self.assertEqual(done.stdout.splitlines()[:2], ["Would remove images", self.ids["localhost/a:1"]])
        promised = done.stdout.splitlines()[2]
        self.assertEqual(self.engine("image", "prune", "--dry-run").stdout.splitlines()[2], promised)
        before = self.du("layers/*", "blobs/sha256/*/*")
        self.assertEqual(self.names(["image", "prune", "-f"]), [self.ids["localhost/a:1"]])
        freed = before - self.du("layers/*", "blobs/sha256/*/*")
        self.assertEqual(promised, f"Would reclaim: {freed / 1000:.4g}kB")
        self.assertEqual(len(self.names(["images", "-q"])), 2)
        self.assert_sound()

    def test_what_may_have_had_a_damaged_name_is_kept(self):
        (self.root / "refs/localhost%2Fa:1").write_text("nonsense\n")
        done = self.engine("image", "prune", "-f")
        self.assertEqual(done.stdout, "")
        self.assertIn("a damaged name may be that of one of them", done.stderr)
        self.engine("system", "prune", "-f")
        self.assertEqual(len(self.names(["images", "-q"])), 3)
        self.assertIn(self.ids["localhost/a:1"], self.names(["image", "prune", "-af"]))  # all means it, too

    def test_all_but_those_in_use(self):
        self.create()
        done = self.engine("image", "prune", "-a", input="yes\n")
        warning, ids = done.stdout.split("Are you sure you want to continue? [y/N] ")
        self.assertEqual(warning, "WARNING! This command removes all images without at least one container associated "
                                  "with them.\n")
        self.assertEqual(sorted(ids.split()), sorted([self.ids["localhost/a:1"], self.ids["localhost/b:1"]]))
        self.engine("start", "box")
        self.assert_sound()

    def test_a_container_of_an_image_without_a_name(self):
        self.create()
        self.untag(BUSYBOX)
        self.assertEqual(self.names(["image", "prune", "-f"]), [])
        self.engine("start", "box")

    def test_filters(self):
        prune = ["image", "prune", "-af", "--filter"]
        self.assertEqual(self.names(prune, "until=2019-01-01"), [])
        self.assertEqual(self.names(prune, "label=team=blue"), [])
        self.assertEqual(self.names(prune, "dangling=true"), [])
        self.assertEqual(self.names(prune, "label=team"), [self.ids["localhost/a:1"]])
        self.assertEqual(sorted(self.names(prune, "until=1h")), sorted([self.ids["localhost/b:1"], self.ids[BUSYBOX]]))
        self.engine("image", "prune", "-f", "--external", "--build-cache")


class VolumePruneTest(PruneTest):
    def test_only_those_of_no_container(self):
        self.create("-v", "used:/data", "-v", "/anonymous")
        self.in_container("-v", "free:/data", BUSYBOX, "sh", "-c", "echo text > /data/file")
        volumes = sorted(path.name for path in (self.root / "volumes").iterdir())
        self.assertEqual(len(volumes), 3)
        done = self.engine("volume", "prune", input="n\n")
        self.assertEqual(done.stdout,
                         "WARNING! This will remove all volumes not used by at least one container. The following "
                         "volumes will be removed:\nfree\nAre you sure you want to continue? [y/N] ")
        self.assertIn("Would remove volumes\nfree\n", self.engine("volume", "prune", "--dry-run").stdout)
        self.engine("volume", "rm", "free")
        self.assertEqual(self.engine("volume", "prune").stdout, "No dangling volumes found\n")  # and nobody is asked
        self.engine("volume", "create", "free")
        self.assertEqual(self.names(["volume", "prune", "-f", "--filter", "until=24h"]), [])
        self.assertEqual(self.names(["volume", "prune", "-f"]), ["free"])
        self.assertEqual(len(list((self.root / "volumes").iterdir())), 2)
        self.engine("rm", "box")
        self.assertEqual(len(self.names(["volume", "prune", "-f"])), 2)
        self.assertEqual(list((self.root / "volumes").iterdir()), [])


class SystemPruneTest(PruneTest):
    def test_the_question(self):
        done = self.engine("system", "prune", "-a", "--volumes", input="n\n")
        self.assertEqual(done.stdout, "WARNING! This command removes:\n\t- all stopped containers\n"
                                      "\t- all networks not used by at least one container\n"
                                      "\t- all volumes not used by at least one container\n"
                                      "\t- all images without at least one container associated with them\n"
                                      "\t- all build cache\n\nAre you sure you want to continue? [y/N] ")

    def test_everything_that_is_not_used(self):
        running = self.start_sleeper("-v", "used:/data", image=BUSYBOX)
        ended = self.create("-v", "free:/data")
        self.pull(small("localhost/a:1", b"a"))
        image = self.inspect("localhost/a:1")["Id"]
        (self.root / "staging/dead").mkdir()
        told = self.engine("system", "prune", "-a", "--volumes", "--dry-run").stdout
        self.assertEqual(told.splitlines()[:6], ["Would remove containers", ended, "Would remove volumes", "free",
                                                 "Would remove images", image])
        done = self.engine("system", "prune", "-af", "--volumes").stdout
        self.assertEqual(done.splitlines()[:6], ["Deleted Containers", ended, "Deleted Volumes", "free",
                                                 "Deleted Images", image])
        self.assertRegex(done.splitlines()[6], r"^Total reclaimed space: [\d.]+kB$")
        self.assertEqual(self.engine("system", "prune", "-af", "--volumes").stdout, "Total reclaimed space: 0B\n")
        self.assertEqual(self.engine("exec", running, "echo", "alive").stdout, "alive\n")
        self.assert_sound()

    def test_compressed_layers(self):
        blobs = set(self.root.glob("blobs/sha256/*/*"))
        self.assertIn("Would remove 2 compressed layers", self.engine("system", "prune", "--blobs", "--dry-run").stdout)
        self.assertEqual(set(self.root.glob("blobs/sha256/*/*")), blobs)
        done = self.engine("system", "prune", "-f", "--blobs").stdout
        self.assertTrue(done.startswith("Deleted 2 compressed layers: push and save compress them again\n"), done)
        self.assertEqual(len(set(self.root.glob("blobs/sha256/*/*"))), 2)
        self.assertEqual(self.in_container(BUSYBOX, "echo", "works").stdout, "works\n")
        self.assert_sound()

    def test_while_others_pull_and_run(self):
        archives = [self.archive(self.guest_image(f"localhost/box:{i}", env=[f"N={i}"]), f"{i}.tar") for i in range(3)]
        pulls = [self.start_engine("pull", "-q", archive) for archive in archives]
        runs = [self.start_engine("run", "--rm", "--network", "none", BUSYBOX, "echo", "works") for _ in range(5)]
        while any(process.poll() is None for process in pulls + runs):
            self.engine("system", "prune", "-f")
        for process in runs:
            self.assertEqual(process.communicate()[0], "works\n")
        for process in pulls:
            self.assertEqual(process.wait(), 0, process.communicate())
        self.assertEqual(len(self.names(["images", "-q"])), 4)
        self.assert_sound()


class ResetTest(PruneTest):
    def test_everything_goes(self):
        self.start_sleeper("-v", "data:/data")
        self.create("--rm")
        done = self.engine("system", "reset", input="n\n")
        self.assertIn("- all volumes\n", done.stdout)
        self.assertEqual(len(self.names(["ps", "-aq"])), 2)
        self.engine("system", "reset", "-f")
        left = self.engine("unshare", "find", self.root, "-type", "f").stdout.split()
        self.assertEqual([path for path in left if "/locks/" not in path], [str(self.root / "format")])
        self.pull_image()
        self.assertEqual(self.in_container(BUSYBOX, "echo", "works").stdout, "works\n")
        self.assert_sound()
        self.engine("system", "reset", "-f")  # without containers, too
        self.assertEqual(self.engine("images", "-q").stdout, "")
