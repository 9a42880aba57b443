"""diff: podman's lines and JSON, for containers of each driver, and without what is mounted."""

from engine_test import BUSYBOX, EngineTest

SCRIPT = ("rm /guest; echo more >> /etc/passwd; mkdir -p /new/deep; echo 1 > /new/deep/file; echo v > /volume/inside;"
          " rm -rf /bin/../tmp/gone; chmod 700 /bin")
LINES = ["C /bin", "C /etc", "C /etc/passwd", "D /guest", "A /new", "A /new/deep", "A /new/deep/file", "A /volume"]


class DiffTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def make(self, name="box"):
        self.engine("run", "--name", name, "--network", "none", "-v", "data:/volume", BUSYBOX, "sh", "-c", SCRIPT)

    def test_lines_of_what_was_added_changed_and_deleted(self):
        self.make()
        lines = self.engine("diff", "box").stdout.splitlines()
        self.assertEqual(lines, LINES)
        self.assertEqual(self.engine("container", "diff", "box").stdout.splitlines(), lines)

    def test_json_has_podmans_members(self):
        self.make()
        found = self.engine("diff", "--format", "json", "-l").json()
        self.assertEqual(found["deleted"], ["/guest"])
        self.assertEqual(found["changed"], [line[2:] for line in LINES if line[0] == "C"])
        self.assertEqual(found["added"], [line[2:] for line in LINES if line[0] == "A"])

    def test_against_the_image_and_the_other_way_round(self):
        self.make()
        self.assertEqual(self.engine("diff", "box", BUSYBOX).stdout.splitlines()[-3:], LINES[-3:])
        self.assertIn("A /guest\n", self.engine("diff", BUSYBOX, "box").stdout)

    def test_refusals(self):
        self.assert_fails(self.engine("diff", "absent", check=False), 125, "absent")
        self.assert_fails(self.engine("diff", check=False), 125, "--latest")
        self.assert_fails(self.engine("diff", BUSYBOX, "--format", "yaml", check=False), 125, "json")


class CopyDriverDiffTest(DiffTest):
    driver = "copy"


class FuseDriverDiffTest(DiffTest):
    driver = "fuse-overlayfs"


