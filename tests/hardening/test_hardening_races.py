"""The race harness: names are exchanged beside the engine, thousands of times, while it makes, mounts and reads there.

A test passes when nothing ever escapes: the canary stays as it was, and what the container sees is its own. Each is
limited by time (RACE_SECONDS, 5; figures are printed if it is given), and fails when no exchange happened, since then it proved nothing.
"""

import os
import time

from hardening_test import Attacker, BundleTest, HardeningTest, escapes_when_unsafe, row

SECONDS = float(os.environ.get("RACE_SECONDS", "5"))


def race(test, pairs, attempt):
    """Exchanges all pairs while attempt() is called again and again."""
    attempts, deadline = 0, time.monotonic() + SECONDS
    with Attacker("exchange", *(name for pair in pairs for name in pair)) as attacker:
        while time.monotonic() < deadline or attempts < 3:
            attempt()
            test.assert_canary_alive(f"attempt {attempts}")
            attempts += 1
    if "RACE_SECONDS" in os.environ:
        print(f"{test.id().rpartition('.')[2]}: {attempts} starts, {attacker.count} exchanges", flush=True)
    test.assertGreater(attacker.count, 100, "hardly anything was exchanged")


class RaceTest(BundleTest):
    def setUp(self):
        super().setUp()
        self.shared = self.dir / "shared"
        self.shared.mkdir()

    def trap(self, name, target=None, directory=True):
        """A directory (or file) `name` in the shared folder and beside it a link out, which will be exchanged."""
        place, link = self.shared / name, self.shared / f"{name}-link"
        place.mkdir() if directory else place.write_text("inside\n")
        link.symlink_to(target or self.canary)
        return place, link

    def try_run(self, *args):
        """One container; it may start or be refused, cleanly."""
        result = self.run_bundle(*args, check=False)
        self.assert_refused_or_harmless(result)
        return result

    @row("R1", "R2", "CVE-2021-30465", "CVE-2024-45310")
    @escapes_when_unsafe
    def test_mount_targets_in_a_shared_volume(self):
        """Mounting below a folder of a volume that another container exchanges with a link."""
        pair = self.trap("place")
        up = "../" * 20 + str(self.canary).lstrip("/")
        other = self.trap("up", up)
        third = self.trap("root", "/")
        self.bind("/shared", self.shared)
        for name in ("place", "up", "root"):
            self.config["mounts"].append({"destination": f"/shared/{name}/a/b", "type": "tmpfs", "source": "tmpfs"})
            self.bind(f"/shared/{name}/file", self.bundle / "config.json")
        race(self, [pair, other, third], lambda: self.try_run("/bin/touch", "/shared/place/a/b/inside"))
        self.assertEqual(sorted(entry.name for entry in self.canary.iterdir()), ["file", "folder", "null", "passwd", "ptmx"])

    @row("R1", "R4", "CVE-2025-31133")
    def test_masked_and_read_only_paths(self):
        """The mask covers the secret or the run is refused; never is something outside covered instead."""
        file_pair = self.trap("secret", self.canary / "file", directory=False)
        folder_pair = self.trap("folder", self.canary / "folder")
        self.bind("/shared", self.shared)
        self.config["linux"]["maskedPaths"] = ["/shared/secret", "/shared/folder", "/proc/keys"]
        self.config["linux"]["readonlyPaths"] = ["/shared/folder", "/shared/secret", "/proc/sys"]

        def attempt():
            result = self.try_run("/bin/stat", "-c", "%t:%T", "/proc/keys")
            if result.status == 0:
                self.assertEqual(result.stdout, "1:3\n")
        race(self, [file_pair, folder_pair], attempt)

    @row("R4", "CVE-2025-31133", "CVE-2025-52565")
    def test_devices_and_console_in_a_shared_dev(self):
        """A volume on /dev, in which null and console are exchanged with links to the outside."""
        for name in ("null", "console", "ptmx"):
            (self.shared / name).write_text("")
        pairs = []
        for name in ("null", "console", "ptmx", "pts"):
            if name == "pts":
                (self.shared / name).mkdir()
            link = self.shared / f"{name}-link"
            link.symlink_to(self.canary / ("folder" if name == "pts" else "file"))
            pairs.append((self.shared / name, link))
        for mount in self.config["mounts"]:
            if mount["destination"] == "/dev":
                mount.update(type="bind", source=str(self.shared), options=["rbind"])
        self.config["linux"]["devices"] = [{"path": "/dev/null", "type": "c", "major": 1, "minor": 3}]

        def attempt():
            result = self.try_run("/bin/stat", "-c", "%t:%T", "/proc/keys")
            if result.status == 0:
                self.assertEqual(result.stdout, "1:3\n")
        race(self, pairs, attempt)

    @row("R1", "CVE-2024-21626")
    @escapes_when_unsafe
    def test_the_working_directory(self):
        pair = self.trap("work")
        self.bind("/shared", self.shared)
        self.config["process"]["cwd"] = "/shared/work/made/here"

        def attempt():
            result = self.try_run("/bin/touch", "inside")
            if result.status == 0:
                self.assertFalse((self.canary / "made").exists())
        race(self, [pair], attempt)

    @row("R1")
    def test_copy_up(self):
        """What tmpcopyup copies is from inside: never the canary's files."""
        pair = self.trap("data")
        (pair[0] / "own").write_text("own\n")
        self.bind("/shared", self.shared)
        self.config["mounts"].append({"destination": "/shared/data", "type": "tmpfs", "source": "tmpfs",
                                      "options": ["tmpcopyup"]})

        def attempt():
            result = self.try_run("/bin/ls", "/shared/data")
            self.assertNotIn("passwd", result.stdout)
        race(self, [pair], attempt)

    @row("R1", "R13", "passwd")
    @escapes_when_unsafe
    def test_passwd_of_the_container(self):
        """HOME is looked up while passwd is exchanged with a link to the outside and with a FIFO."""
        etc = self.shared / "etc"
        etc.mkdir()
        (etc / "passwd").write_text("root:x:0:0::/inside:/bin/sh\n")
        (etc / "passwd-link").symlink_to(self.canary / "passwd")
        os.mkfifo(etc / "fifo")
        self.bind("/etc", etc)
        self.config["process"]["env"] = ["PATH=/bin"]

        def attempt():
            result = self.try_run("/bin/sh", "-c", "echo $HOME")
            self.assertNotIn("outside", result.stdout)
        race(self, [(etc / "passwd", etc / "passwd-link"), (etc / "passwd", etc / "fifo")], attempt)

    @row("R1", "R3", "CVE-2019-19921")
    @escapes_when_unsafe
    def test_proc_and_sys_of_a_shared_root(self):
        """The root file system itself belongs to another container, which exchanges /proc and /sys."""
        for name in ("proc", "sys", "dev"):
            (self.rootfs / f"{name}-link").symlink_to(self.canary)
        pairs = [(self.rootfs / name, self.rootfs / f"{name}-link") for name in ("proc", "sys", "dev")]

        def attempt():
            self.try_run("/bin/true")
        race(self, pairs, attempt)

    @row("R1")
    def test_the_whole_volume_is_exchanged(self):
        """A folder is moved out from under the engine while it makes what is missing in there."""
        outside = self.dir / "outside"
        outside.mkdir()
        deep = self.shared / "a"
        (deep / "b").mkdir(parents=True)
        self.bind("/shared", self.shared)
        self.config["mounts"].append({"destination": "/shared/a/b/../b/c/d", "type": "tmpfs", "source": "tmpfs"})
        self.config["mounts"][-1]["destination"] = "/shared/a/b/c/d"
        self.config["process"]["cwd"] = "/shared/a/b/c/e"
        race(self, [(deep, outside), (deep / "b", outside / "b")], lambda: self.try_run("/bin/true"))


class ExecRaceTest(HardeningTest):
    @row("R1", "R13", "passwd")
    @escapes_when_unsafe
    def test_the_users_of_exec(self):
        """passwd and group change places with links out and with FIFOs while exec looks up names."""
        etc = self.dir / "etc"
        etc.mkdir()
        (etc / "passwd").write_text("root:x:0:0::/:/bin/sh\nnamed:x:1000:1000::/:/bin/sh\n")
        (etc / "group").write_text("named:x:1000:\n")
        for name in ("passwd", "group"):
            (etc / f"{name}-link").symlink_to(self.canary / "passwd")
            os.mkfifo(etc / f"{name}-fifo")
        image = self.hostile_image([])
        container = self.start_sleeper("-v", f"{etc}:/etc", image=image)
        pairs = [(etc / name, etc / f"{name}-{kind}") for name in ("passwd", "group") for kind in ("link", "fifo")]

        def attempt():
            result = self.engine("exec", "--user", "named", container, "/guest", check=False, timeout=30)
            if result.status == 0:
                self.assertEqual(result.json()["uid"], 1000, result)
        race(self, pairs, attempt)

    @row("R5", "CVE-2024-21626")
    def test_the_working_directory_of_exec(self):
        shared = self.dir / "shared"
        (shared / "work").mkdir(parents=True)
        (shared / "work-link").symlink_to(self.canary)
        image = self.hostile_image([])
        container = self.start_sleeper("-v", f"{shared}:/shared", image=image)

        def attempt():
            result = self.engine("exec", "--workdir", "/shared/work", container, "touch", "inside", check=False)
            self.assert_refused_or_harmless(result)
        race(self, [(shared / "work", shared / "work-link")], attempt)

    @row("R1", "CVE-2021-30465")
    @escapes_when_unsafe
    def test_volumes_of_run_in_a_shared_volume(self):
        shared = self.dir / "shared"
        (shared / "place").mkdir(parents=True)
        (shared / "place-link").symlink_to(self.canary)
        image = self.hostile_image([])

        def attempt():
            result = self.in_container("-v", f"{shared}:/shared", "-v", "/shared/place/a", "--tmpfs", "/shared/place/b",
                                       image, "touch", "/shared/place/b/inside", check=False)
            self.assert_refused_or_harmless(result)
        race(self, [(shared / "place", shared / "place-link")], attempt)


class TwoContainersTest(BundleTest):
    @row("R1", "R2", "CVE-2019-19921", "CVE-2021-30465")
    @escapes_when_unsafe
    def test_the_attacker_runs_in_a_container_itself(self):
        """The scenario of the advisories: the first container exchanges, the second one is started on the same volume."""
        shared = self.dir / "shared"
        (shared / "place").mkdir(parents=True)
        (shared / "place-link").symlink_to("/")
        self.bind("/shared", shared)
        self.start_in_background("/bin/attacker", "exchange", "/shared/place", "/shared/place-link", name="first")
        self.config["mounts"].append({"destination": f"/shared/place{self.canary}/made", "type": "tmpfs",
                                      "source": "tmpfs"})
        self.bind("/shared/place/new", self.bundle / "config.json")
        deadline = time.monotonic() + SECONDS
        number = 0
        while time.monotonic() < deadline or number < 3:
            result = self.run_bundle("/bin/true", check=False, name=f"second{number}")
            self.assert_refused_or_harmless(result)
            number += 1
        self.runtime("kill", "first", "TERM", check=False)
