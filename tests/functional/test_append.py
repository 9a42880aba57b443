"""append and mutate: images made of others, whose layers stay byte for byte."""

import gzip
import json
import os

from engine_test import BUSYBOX, EngineTest
from make_image import file_entry, sha256, tar_of
from registry_server import RealRegistry


class AppendTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.tar = self.dir / "layer.tar"
        self.tar.write_bytes(tar_of([(file_entry("added"), b"new")]))

    def layers_of(self, name):
        return [blob["Digest"] for blob in self.engine("blob", "ls", "--format", "json", f"store:{name}").json()
                if blob["Kind"] == "layer"]

    def test_a_layer_on_top(self):
        packed = self.dir / "layer.tar.gz"
        packed.write_bytes(gzip.compress(self.tar.read_bytes(), mtime=0))
        printed = self.engine("append", "-q", "--base", BUSYBOX, "-t", "localhost/more:1", packed).stdout.strip()
        self.assertEqual("sha256:" + self.inspect("localhost/more:1")["Id"], printed)
        self.assertEqual(self.layers_of("localhost/more:1"), self.layers_of(BUSYBOX) + [sha256(packed.read_bytes())])
        self.assertEqual(self.in_container("localhost/more:1", "cat", "/added").stdout, "new")
        before, after = self.inspect(BUSYBOX), self.inspect("localhost/more:1")
        self.assertEqual(after["Config"], before["Config"])
        self.assertEqual(after["RootFS"]["Layers"], before["RootFS"]["Layers"] + [sha256(self.tar.read_bytes())])
        self.engine("system", "check")

    def test_another_configuration(self):
        self.engine("mutate", "-q", "--entrypoint", '["/bin/echo","-n"]', "--cmd", "a,b", "-e", "X=1", "-e", "PATH=/bin",
                    "-l", "l=1", "-u", "1", "-w", "/tmp", "-a", "note=n", "-t", "localhost/other:1", BUSYBOX)
        shown = self.inspect("localhost/other:1")
        config = shown["Config"]
        self.assertEqual((config["Entrypoint"], config["Cmd"], config["User"], config["WorkingDir"]),
                         (["/bin/echo", "-n"], ["a", "b"], "1", "/tmp"))
        self.assertIn("X=1", config["Env"])
        self.assertEqual([entry for entry in config["Env"] if entry.startswith("PATH=")], ["PATH=/bin"])
        self.assertEqual((shown["Annotations"], config["Labels"]["l"]), ({"note": "n"}, "1"))
        self.assertEqual(self.layers_of("localhost/other:1"), self.layers_of(BUSYBOX))
        self.assertEqual(self.in_container("localhost/other:1").stdout, "a b")

    def test_from_a_registry_to_a_registry_without_the_store(self):
        registry = RealRegistry(self.dir / "registry")
        self.addCleanup(registry.stop)
        base, target = (f"docker://{registry.name}/team/{name}:1" for name in ("base", "new"))
        self.engine("push", "-q", "--tls-verify=false", BUSYBOX, base)
        known = self.engine("images", "-q").stdout
        made = self.engine("mutate", "-q", "--tls-verify=false", "--set-platform", "linux/arm/v7", "--append",
                           self.tar, "--format", "json", "-t", target, base).json()
        self.assertEqual(made["Destination"], target)
        raw = self.tool("skopeo", "inspect", "--raw", "--tls-verify=false", target).stdout
        self.assertEqual(sha256(raw.encode()), made["Digest"])
        config = json.loads(self.tool("skopeo", "inspect", "--config", "--raw", "--tls-verify=false", target).stdout)
        self.assertEqual((config["architecture"], config["variant"]), ("arm", "v7"))
        self.assertEqual([layer["digest"] for layer in json.loads(raw)["layers"]],
                         self.layers_of(BUSYBOX) + [sha256(self.tar.read_bytes())])
        self.assertEqual(self.engine("images", "-q").stdout, known)

    def test_what_is_missing_is_said(self):
        self.assert_fails(self.engine("append", self.tar, check=False), 125, "--base")
        self.assert_fails(self.engine("mutate", "-e", "nothing", BUSYBOX, check=False), 125, "NAME=VALUE")


class BundleTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image(Cmd=["/bin/sh", "-c", "echo $GREETING from $(hostname)"], Env=["GREETING=hello", "PATH=/bin"])
        self.bundle = self.dir / "bundle"
        self.addCleanup(self.engine, "unshare", "rm", "-rf", self.bundle, check=False)

    def runtime(self, *words):
        return self.tool(os.environ["ENGINE"], "runtime", "--root", self.dir / "state", *words)

    def test_a_bundle_runs(self):
        self.assertEqual(self.engine("bundle", BUSYBOX, self.bundle).stdout.strip(), str(self.bundle))
        self.assertEqual(self.runtime("run", "-b", self.bundle, "test-bundle").stdout, "hello from bundle\n")
        config = json.loads((self.bundle / "config.json").read_text())
        self.assertEqual(config["root"]["path"], "rootfs")
        self.assertIn("GREETING=hello", config["process"]["env"])
        self.assertEqual(self.engine("system", "check").status, 0)

    def test_a_bundle_shares_nothing_with_the_store(self):
        self.engine("bundle", BUSYBOX, self.bundle)
        self.engine("unshare", "sh", "-c", f"echo changed > {self.bundle}/rootfs/guest")
        self.assertEqual(self.in_container(BUSYBOX, "/guest", "exit", "3", check=False).status, 3)
        self.assertEqual(self.engine("system", "check").status, 0)

    def test_a_folder_that_is_not_empty_stays_as_it_is(self):
        self.bundle.mkdir()
        (self.bundle / "mine").write_text("mine")
        self.assert_fails(self.engine("bundle", BUSYBOX, self.bundle, check=False), 125, "not empty")
        self.assertEqual([path.name for path in self.bundle.iterdir()], ["mine"])
        self.assert_fails(self.engine("bundle", "--pull", "never", "localhost/nothing", self.dir / "new", check=False),
                          125, "not known")
        self.assertFalse((self.dir / "new").exists())
