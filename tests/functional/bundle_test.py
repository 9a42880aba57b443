"""A bundle and the OCI command line, for the tests of `engine runtime`."""

import json
import shutil
import subprocess

from engine_test import ENGINE, GUEST, EngineTest, wait_until


class BundleTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.bundle = self.dir / "bundle"
        rootfs = self.bundle / "rootfs"
        for name in ("dev", "proc", "sys", "etc", "tmp", "work"):
            (rootfs / name).mkdir(parents=True)
        shutil.copy(GUEST, rootfs / "guest")
        shutil.copy("/bin/busybox", rootfs / "busybox")
        self.runtime("spec", "--rootless", "--bundle", self.bundle)
        self.config = json.loads((self.bundle / "config.json").read_text())
        self.config["process"].update(args=["/guest", "word"], terminal=False)
        self.addCleanup(self.runtime, "delete", "--force", "--regex", ".", check=False)

    def runtime(self, *words, check=True, program=None):
        return self.tool(*(program or [ENGINE, "runtime", "--root", self.dir / "states"]), *words, check=check)

    def write_config(self):
        (self.bundle / "config.json").write_text(json.dumps(self.config))

    def crun(self):
        return ["crun", "--cgroup-manager=disabled", "--root", self.dir / "crun"]

    def state(self, name="one"):
        return self.runtime("state", name).json()

    def background(self, *words):
        """The container keeps its caller's output, so that must not be a pipe which we read to its end."""
        with open(self.dir / "output", "wb") as output:
            subprocess.run([ENGINE, "runtime", "--root", self.dir / "states", *words], check=True, timeout=60,
                           env=self.environment,
                           stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def start_waiting(self, name="one", **process):
        """A running container whose program waits for a signal; its pid."""
        self.config["process"].update({"args": ["/guest", "wait"], **process})
        self.write_config()
        self.background("run", "--detach", "--bundle", self.bundle, name)
        wait_until(lambda: "ready" in (self.dir / "output").read_text(), "it runs")
        return self.state(name)["pid"]
