"""Looking at images: history, tree, diff, mount, and the filters of images."""

import json

import make_image
from engine_test import BUSYBOX, EngineTest
from make_image import directory_entry, file_entry, link_entry, tar_of

BASE, CHILD = "localhost/base:1", "localhost/child:2"


def base_image(name=BASE):
    image = make_image.Image(name, {"Labels": {"team": "web", "stage": "test"}})
    return image.add_layer(tar_of([
        (directory_entry("etc"), b""), ("etc/motd", b"old"), ("etc/gone", b"x"), (directory_entry("old"), b""),
        ("old/file", b"x"), (directory_entry("keep"), b""), ("keep/a", b"x"), ("same", b"same")]))


def child_image(name=CHILD):
    return base_image(name).add_layer(tar_of([
        ("etc/motd", b"new"), ("etc/.wh.gone", b""), (".wh.old", b""), (directory_entry("keep"), b""),
        ("keep/.wh..wh..opq", b""), ("keep/b", b"y"), (directory_entry("new"), b""), ("new/file", b"x"),
        (link_entry("new/link", "file"), b""), ("same", b"same"), (file_entry("etc/motd", 0o600), b"new")]))


class ImageCommandsTest(EngineTest):
    def setUp(self):
        super().setUp()
        for image in (base_image(), child_image()):
            self.engine("pull", "-q", self.archive(image))

    def id_of(self, name):
        return self.engine("image", "inspect", name).json()[0]["Id"]

    def test_history_names_the_image_that_ends_with_a_layer(self):
        lines = self.engine("history", "--format", "json", CHILD).json()
        self.assertEqual([line["id"] for line in lines], [self.id_of(CHILD), self.id_of(BASE)])
        self.assertEqual({line["CreatedBy"] for line in lines}, {"make_image.py"})
        self.assertEqual(lines[0]["created"], "2020-09-13T12:26:40Z")
        self.assertGreater(lines[1]["size"], 0)
        self.engine("rmi", BASE)
        self.assertEqual(self.engine("history", "-q", CHILD).stdout, f"{self.id_of(CHILD)[:12]}\n<missing>\n")
        table = self.engine("history", "--human=false", "--no-trunc", CHILD).stdout.splitlines()
        self.assertEqual(table[0].split(), ["ID", "CREATED", "CREATED", "BY", "SIZE", "COMMENT"])
        self.assertEqual(table[1].split(), [self.id_of(CHILD), "2020-09-13T12:26:40Z", "make_image.py",
                                            str(lines[0]["size"])])

    def test_tree_shows_layers_and_what_lies_upon_them(self):
        lines = self.engine("image", "tree", CHILD).stdout.splitlines()
        self.assertEqual(lines[:2], [f"Image ID: {self.id_of(CHILD)[:12]}", f"Tags:     [{CHILD}]"])
        self.assertEqual(lines[3], "Image Layers")
        self.assertRegex(lines[4], f"^├── ID: [0-9a-f]{{12}} Size: .* Top Layer of: \\[{BASE}\\]$")
        self.assertRegex(lines[5], f"^└── ID: [0-9a-f]{{12}} Size: .* Top Layer of: \\[{CHILD}\\]$")
        tree = self.engine("image", "tree", "--whatrequires", "--format", "json", BASE).json()
        [root] = tree["Layers"]
        self.assertEqual((root["TopLayerOf"], root["Children"][0]["TopLayerOf"]), ([BASE], [CHILD]))

    def test_diff_is_what_the_layers_say(self):
        changes = ["C /etc", "D /etc/gone", "C /etc/motd", "C /keep", "D /keep/a", "A /keep/b", "A /new", "A /new/file",
                   "A /new/link", "D /old"]
        self.assertEqual(self.engine("image", "diff", CHILD).stdout.splitlines(), changes)
        self.assertEqual(self.engine("image", "diff", CHILD, BASE).stdout.splitlines(), changes)
        turned = self.engine("image", "diff", "--format", "json", BASE, CHILD).json()
        self.assertEqual(turned["deleted"], ["/keep/b", "/new"])
        self.assertEqual(turned["added"], ["/etc/gone", "/keep/a", "/old", "/old/file"])
        self.assertEqual(turned["changed"], ["/etc", "/etc/motd", "/keep"])
        self.assertEqual(self.engine("image", "diff", BASE, BASE).stdout, "")

    def test_an_image_is_mounted_inside_unshare(self):
        self.assert_fails(self.engine("image", "mount", CHILD, check=False), 125, "inside engine unshare only")
        engine = " ".join(self.command())
        script = f"""
            set -e
            place=$({engine} image mount {CHILD})
            cat $place/etc/motd; ls $place $place/keep
            if echo x > $place/file 2>/dev/null; then echo written; fi
            {engine} image mount
            {engine} image mount --all --format json
            {engine} image unmount {CHILD}
            ls $place
            {engine} image unmount {CHILD}  # no error, and nothing to say
            {engine} image unmount --all
            {engine} image mount
            echo end
        """
        lines = self.engine("unshare", "sh", "-c", script).stdout
        place = next(line for line in lines.splitlines() if line.startswith(CHILD)).split()[1]
        self.assertIn(f"new{place}:\netc\nkeep\nnew\nsame\n\n{place}/keep:\nb\n{CHILD}  {place}\n", lines)
        self.assertNotIn("written", lines)
        listed = json.loads(lines[lines.index("["):lines.rindex("]") + 1])
        self.assertEqual({name for image in listed for name in image["Repositories"]}, {BASE, CHILD})
        after = lines[lines.rindex("]") + 2:].splitlines()
        self.assertEqual(after, [self.id_of(CHILD), self.id_of(BASE), "end"])

    def test_images_are_filtered(self):
        self.pull_image()
        self.engine("run", "--name", "c", BUSYBOX, "/guest", "exit", "0")
        self.engine("tag", BASE, "localhost/renamed:3")
        self.engine("untag", CHILD)

        def names(*filters):
            words = [word for one in filters for word in ("--filter", one)]
            return sorted(image["Names"][0] if image["Names"] else "none"
                          for image in self.engine("images", "--format", "json", *words).json())

        self.assertEqual(names(), [BASE, BUSYBOX, "none"])
        self.assertEqual(names("dangling=true"), ["none"])
        self.assertEqual(names("dangling=false"), [BASE, BUSYBOX])
        self.assertEqual(names("label=team"), [BASE, "none"])
        self.assertEqual(names("label=team=web", "label=stage=test", "dangling=false"), [BASE])
        self.assertEqual(names("label=team=web", "label=stage=other"), [])
        self.assertEqual(names("label!=team"), [BUSYBOX])
        self.assertEqual(names("label!=team=db", "dangling!=true"), [BASE, BUSYBOX])
        self.assertEqual(names("reference!=busybox", "reference!=renamed"), ["none"])
        self.assertEqual(names("reference=busybox"), [BUSYBOX])
        self.assertEqual(names("reference=renamed*"), [BASE])
        self.assertEqual(names("containers=true"), [BUSYBOX])
        self.assertEqual(names("containers=false"), [BASE, "none"])
        self.assertEqual(names("readonly=true"), [])
        self.assertEqual(names(f"id={self.id_of(BASE)[:9]}"), [BASE])
        digest = self.engine("image", "inspect", BASE).json()[0]["Digest"]
        self.assertEqual(names(f"digest={digest}"), [BASE])
        self.assertEqual(names(f"before={BASE}"), [])  # all were made in the same second
        self.assertEqual(names("until=2021-01-01T00:00:00Z", "reference=base"), [BASE])
        self.assertEqual(names("until=2020-01-01T00:00:00Z"), [])
        for bad, part in (("color=red", "color"), ("color!=red", "color"), ("dangling=maybe", "maybe"), ("since=nosuch", "nosuch"),
                          ("dangling", "dangling")):
            self.assert_fails(self.engine("images", "--filter", bad, check=False), 125, part)
        line = self.engine("images", "--history", "--filter", "reference=base").stdout.splitlines()[1]
        self.assertTrue(line.endswith(f"{BASE}, localhost/renamed:3"), line)
