"""commit: an image of what a container has become; it runs, goes to archives, and is the same for the same changes."""

import json
import tarfile

from engine_test import BUSYBOX, EngineTest

SCRIPT = ("rm /guest; echo more >> /etc/passwd; mkdir /new; echo 1 > /new/a; ln /new/a /new/b; chown 5:6 /new/a;"
          " rm -rf /etc/deep; mkdir -p /etc/deep; echo v > /volume/inside; touch -d '2001-02-03 04:05:06' /new/a /new")


class CommitTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.engine("run", "--name", "box", "--network", "none", "-v", "data:/volume", "-e", "MORE=1", "-w", "/new2",
                    BUSYBOX, "sh", "-c", SCRIPT)

    def test_the_image_runs_and_has_the_changes(self):
        made = self.engine("commit", "-q", "box", "kept").stdout.strip()
        self.assertRegex(made, "^[0-9a-f]{64}$")
        look = "ls -ln /new; ls / /volume; tail -1 /etc/passwd; ls /guest"
        seen = self.in_container("localhost/kept", "sh", "-c", look, check=False).stdout
        self.assertEqual(seen.count(" 5        6 "), 2, seen)
        self.assertIn("more\n", seen)
        self.assertNotIn("inside", seen)
        self.assertNotIn("guest", seen)
        config = self.inspect("localhost/kept")["Config"]
        self.assertEqual((config["WorkingDir"], config["Cmd"][:2]), ("/new2", ["sh", "-c"]))
        self.assertIn("MORE=1", config["Env"])
        self.assertFalse([one for one in config["Env"] if one.startswith(("HOME=", "HOSTNAME="))])

    def test_the_same_changes_make_the_same_layer(self):
        for name in ("one", "two"):
            self.engine("commit", "-q", "box", name)
        layers = [self.inspect("localhost/" + name)["RootFS"]["Layers"] for name in ("one", "two")]
        self.assertEqual(layers[0], layers[1])
        base = self.inspect(BUSYBOX)["RootFS"]["Layers"]
        self.assertEqual(layers[0][:-1], base)

    def test_settings(self):
        words = ["CMD /bin/ls -l", 'ENTRYPOINT ["/bin/echo"]', "ENV A=1", "EXPOSE 80", "LABEL x=y", "STOPSIGNAL 9",
                 "USER 5", "VOLUME /v", "WORKDIR /tmp", "ONBUILD RUN x"]
        changes = [part for word in words for part in ("-c", word)]
        self.engine("commit", "-q", "-a", "me", "-m", "why", "-f", "docker", "--include-volumes", "--iidfile", "id",
                    *changes, "box", "kept")
        found = self.inspect("localhost/kept")
        self.assertEqual((self.dir / "id").read_text(), found["Id"])
        self.assertEqual((found["Author"], found["Comment"]), ("me", "why"))
        self.assertEqual(found["History"][-1]["comment"], f"FROM {BUSYBOX}")
        self.assertEqual(found["ManifestType"], "application/vnd.docker.distribution.manifest.v2+json")
        config = found["Config"]
        self.assertEqual(config["Cmd"], ["/bin/sh", "-c", "/bin/ls -l"])
        self.assertEqual(config["Entrypoint"], ["/bin/echo"])
        self.assertEqual(sorted(config["Volumes"]), ["/v", "/volume"])
        self.assertEqual((config["User"], config["WorkingDir"], config["Labels"]["x"]), ("5", "/tmp", "y"))

    def test_a_health_check_replaces_that_of_the_image(self):
        self.engine("commit", "-q", "-c", "HEALTHCHECK CMD test -e /one", "box", "first")
        self.engine("create", "--name", "again", "--network", "none", "localhost/first", "sleep", "1000")
        self.engine("commit", "-q", "-c", "HEALTHCHECK --retries=2 CMD test -e /two", "again", "second")
        self.assertEqual(self.inspect("localhost/first")["HealthCheck"]["Test"], ["CMD-SHELL", "test -e /one"])
        second = self.inspect("localhost/second")["HealthCheck"]
        self.assertEqual((second["Test"], second["Retries"]), (["CMD-SHELL", "test -e /two"], 2))

    def test_squashed_it_is_one_layer_with_everything(self):
        self.engine("commit", "-q", "--squash", "box", "kept")
        self.assertEqual(len(self.inspect("localhost/kept")["RootFS"]["Layers"]), 1)
        self.assertEqual(self.in_container("localhost/kept", "cat", "/new/b").stdout, "1\n")

    def test_whiteouts_are_ocis(self):
        self.engine("commit", "-q", "box", "kept")
        self.engine("save", "--format", "oci-archive", "-o", "kept.tar", "localhost/kept")
        with tarfile.open(self.dir / "kept.tar") as archive:
            manifest = json.load(archive.extractfile("index.json"))["manifests"][0]["digest"].partition(":")[2]
            layers = json.load(archive.extractfile(f"blobs/sha256/{manifest}"))["layers"]
            top = archive.extractfile("blobs/sha256/" + layers[-1]["digest"].partition(":")[2])
            with tarfile.open(fileobj=top) as layer:
                names = layer.getnames()
        self.assertIn(".wh.guest", names)
        self.assertNotIn("volume/inside", names)

    def test_refusals_leave_nothing(self):
        for words in (["absent"], ["box", "UPPER"], ["-f", "other", "box"], ["-c", "FOO bar", "box"]):
            self.assert_fails(self.engine("commit", "-q", *words, check=False), 125)
        self.assertEqual(len(self.engine("images", "-q", "-a").stdout.splitlines()), 1)
        self.assert_nothing_unfinished()


class CopyDriverCommitTest(CommitTest):
    driver = "copy"


class FuseDriverCommitTest(CommitTest):
    driver = "fuse-overlayfs"
