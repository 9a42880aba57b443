"""procfs, sysfs, cgroups and sysctls: nothing security relevant is written elsewhere, nothing of the host's is writable."""

import os

import make_image
from hardening_test import BUSYBOX, BundleTest, HardeningTest, row

# Files of the host's kernel that would give a container the host, and what to write to them.
CONTROL_FILES = {
    "/proc/sys/kernel/core_pattern": "|/tmp/x", "/proc/sys/kernel/modprobe": "/tmp/x", "/proc/sysrq-trigger": "h",
    "/proc/sys/fs/binfmt_misc/register": ":x:M::x::/tmp/x:", "/proc/sys/kernel/hotplug": "/tmp/x",
    "/proc/sys/vm/panic_on_oom": "0", "/sys/kernel/uevent_helper": "/tmp/x", "/sys/power/state": "x",
    "/sys/fs/cgroup/release_agent": "/tmp/x", "/sys/fs/cgroup/memory/release_agent": "/tmp/x",
    "/sys/fs/cgroup/cgroup.procs": "1", "/sys/module/apparmor/parameters/enabled": "0",
    "/proc/irq/default_smp_affinity": "1", "/proc/self/attr/exec": "x",
}
TRY_ALL = "for f in " + " ".join(CONTROL_FILES) + "; do [ -e $f ] || continue; (echo x > $f) 2>/dev/null && echo wrote $f; done"


class FakeProcTest(BundleTest):
    @row("R3", "CVE-2019-16884")
    def test_only_procfs_goes_to_proc(self):
        volume = self.dir / "volume"
        (volume / "self/attr").mkdir(parents=True)
        for mount in ({"type": "tmpfs", "source": "tmpfs"},
                      {"type": "bind", "source": str(volume), "options": ["rbind"]},
                      {"type": "bind", "source": str(self.canary), "options": ["bind", "ro"]}):
            with self.subTest(mount=mount):
                saved = list(self.config["mounts"])
                for keep in (True, False):  # beside the real one, and instead of it
                    self.config["mounts"] = [*(saved if keep else saved[1:]), {"destination": "/proc", **mount}]
                    self.assert_refused(self.run_bundle("/bin/true", check=False), "/proc")
                self.config["mounts"] = saved

    @row("R3", "CVE-2019-16884", "CVE-2025-52881")
    def test_nothing_is_mounted_inside_procfs(self):
        volume = self.dir / "volume"
        volume.mkdir()
        (self.rootfs / "self").symlink_to("/proc/self")
        for destination in ("/proc/self", "/proc/self/attr", "/proc/1", "/proc/sys", "/proc/sys/kernel", "/self/attr",
                            "/proc/../proc/self", "/proc/./self"):
            for kind in ("bind", "tmpfs", "mqueue"):
                with self.subTest(destination=destination, kind=kind):
                    saved = list(self.config["mounts"])
                    self.config["mounts"].append({"destination": destination, "type": kind,
                                                  "source": str(volume) if kind == "bind" else kind})
                    self.assert_refused(self.run_bundle("/bin/true", check=False))
                    self.config["mounts"] = saved

    @row("R3", "CVE-2025-52881")
    def test_files_of_procfs_may_be_replaced_but_not_those_that_are_written(self):
        fake = self.dir / "fake"
        fake.write_text("fake\n")
        self.bind("/proc/meminfo", fake)
        self.assertEqual(self.run_bundle("/bin/cat", "/proc/meminfo").stdout, "fake\n")
        for name in ("/proc/self/attr/exec", "/proc/sys/kernel/shm_rmid_forced", "/proc/self/oom_score_adj",
                     "/proc/sysrq-trigger"):
            with self.subTest(name=name):
                saved = list(self.config["mounts"])
                self.bind(name, fake)
                self.assert_refused(self.run_bundle("/bin/true", check=False))
                self.config["mounts"] = saved
        self.assertEqual(fake.read_text(), "fake\n")

    @row("R3", "CVE-2025-52881")
    def test_sysctls_reach_only_the_containers_own_procfs(self):
        self.config["linux"]["sysctl"] = {"kernel.shm_rmid_forced": "1"}
        self.config["linux"]["readonlyPaths"] = []
        self.assertEqual(self.run_bundle("/bin/cat", "/proc/sys/kernel/shm_rmid_forced").stdout, "1\n")
        # A tmpfs full of plausible files in place of procfs is refused before anything is written to it.
        volume = self.dir / "volume"
        (volume / "sys/kernel").mkdir(parents=True)
        (volume / "sys/kernel/shm_rmid_forced").write_text("0")
        self.config["mounts"][0] = {"destination": "/proc", "type": "bind", "source": str(volume), "options": ["rbind"]}
        self.assert_refused(self.run_bundle("/bin/true", check=False), "/proc")
        self.assertEqual((volume / "sys/kernel/shm_rmid_forced").read_text(), "0")

    @row("R3")
    def test_sysctls_without_procfs_write_nothing(self):
        self.config["linux"]["sysctl"] = {"kernel.shm_rmid_forced": "1"}
        self.config["mounts"] = self.config["mounts"][1:]
        (self.rootfs / "proc/sys/kernel").mkdir(parents=True)
        (self.rootfs / "proc/sys/kernel/shm_rmid_forced").symlink_to(self.canary / "file")
        self.assert_refused_or_harmless(self.run_bundle("/bin/true", check=False))

    @row("R10", "CVE-2022-0811")
    def test_sysctls_are_namespaced_and_one_line(self):
        for name, value in (("kernel.core_pattern", "|/x"), ("kernel/core_pattern", "|/x"), ("kernel.shm_rmid_forced", "1\n2"),
                            ("kernel.shm_rmid_forced+kernel.core_pattern", "1"), ("net..core", "1"), ("../x", "1"),
                            ("kernel.shm_rmid_forced/../core_pattern", "x"), ("vm.panic_on_oom", "1"), ("", "1"),
                            ("kernel.yama.ptrace_scope", "0"), ("fs.protected_symlinks", "0"), ("/kernel/msgmax", "1")):
            with self.subTest(name=name, value=value):
                self.config["linux"]["sysctl"] = {name: value}
                self.assert_refused(self.run_bundle("/bin/true", check=False))


class HostControlTest(HardeningTest):
    def setUp(self):
        super().setUp()
        self.image = self.hostile_image([])

    @row("R10", "CVE-2022-0811")
    def test_sysctl_options_of_run(self):
        for word in ("kernel.core_pattern=|/x", "vm.swappiness=1", "net.ipv4.ip_forward=1+kernel.core_pattern=x/y",
                     "net.ipv4.ip_forward\n=1", "../../x=1"):
            with self.subTest(word=word):
                result = self.in_container("--sysctl", word, self.image, "cat", "/proc/sys/kernel/core_pattern", check=False)
                self.assertNotEqual(result.status, 0, result)

    @row("host-files", "docker-2015")
    def test_control_files_of_the_host_refuse_writing(self):
        for options in ([], ["--privileged"], ["--cap-add", "all"], ["--security-opt", "unmask=ALL"],
                        ["--cgroupns=host"], ["--pid=host"], ["--ipc=host"], ["--uts=host"]):
            if options == ["--ipc=host"] and not os.path.exists("/dev/mqueue"):
                continue
            with self.subTest(options=options):
                result = self.in_container(*options, self.image, "sh", "-c", TRY_ALL + "; true")
                # With a procfs of its own a container may label its own processes, and the kernel decides about that.
                self.assertEqual([line for line in result.stdout.splitlines() if "attr/exec" not in line], [], result)

    @row("host-files")
    def test_release_agents_and_cgroups_of_the_host_are_out_of_reach(self):
        script = ("mkdir /sys/fs/cgroup/new 2>/dev/null && echo made; for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do "
                  "(echo 1 > $d/cgroup.procs) 2>/dev/null && echo moved $d; mkdir $d/sub 2>/dev/null && echo made $d; done; true")
        for options in (["--cgroupns=host"], ["--cgroupns=host", "--privileged"]):
            with self.subTest(options=options):
                self.assertEqual(self.in_container(*options, self.image, "sh", "-c", script).stdout, "")

    @row("CVE-2023-25809")
    def test_the_hosts_cgroup_tree_is_read_only(self):
        report = self.report("--cgroupns=host", image=self.image)
        for line in report["mounts"]:
            before, _, after = line.partition(" - ")
            if after.split()[0] in ("cgroup", "cgroup2"):
                self.assertIn("ro", before.split()[5].split(","), line)

    @row("docker-2015")
    def test_masks_and_read_only_paths_are_there(self):
        script = ("for f in /proc/keys /proc/timer_list /proc/kcore; do [ -e $f ] && stat -c '%t:%T' $f; done; "
                  "ls /sys/firmware; echo x > /proc/sys/kernel/domainname")
        result = self.in_container(self.image, "sh", "-c", script, check=False)
        self.assertEqual(set(result.stdout.split()), {"1:3"}, result)
        self.assertIn("Read-only file system", result.stderr)

    @row("CVE-2025-31133", "R4")
    def test_masks_are_the_real_null_device(self):
        """Whatever an image has as /dev/null, masked files are the host's, checked by number."""
        image = self.hostile_image([(make_image.link_entry("dev/null", "/etc/passwd"), b""),
                                    (make_image.directory_entry("dev/zero"), b"")], name="localhost/hostile:null")
        found = self.in_container(image, "stat", "-c", "%t:%T", "/proc/keys", "/dev/null", "/dev/zero").stdout.split()
        self.assertEqual(found, ["1:3", "1:3", "1:5"])

    @row("R15")
    def test_no_abstract_socket_is_ours(self):
        """With the host's network a container sees abstract sockets; none of them may be the engine's."""
        container = self.engine("run", "-d", "--network", "host", self.image, "/guest", "wait").stdout.strip()
        seen = self.in_container("--network", "host", self.image, "cat", "/proc/net/unix").stdout
        abstract = [line.split()[-1] for line in seen.splitlines() if " @" in line]
        self.assertEqual([name for name in abstract if container[:12] in name or "engine" in name], [])

    @row("R15")
    def test_state_is_private(self):
        self.engine("run", "-d", "--network", "none", self.image, "/guest", "wait")
        for top in (self.root, self.runroot):
            self.assertEqual(os.stat(top).st_mode & 0o077, 0, top)
            self.assertEqual(os.stat(top).st_uid, os.getuid())
        for path in (self.root / "containers").iterdir():
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    @row("R15", "R16")
    def test_folders_that_others_may_write_are_not_used(self):
        for option, name in (("--root", "root"), ("--runroot", "run")):
            place = self.dir / f"open-{name}"
            place.mkdir()
            os.chmod(place, 0o777)
            result = self.engine(option, place, "run", "--rm", "--network", "none", BUSYBOX, "true", check=False)
            self.assertNotEqual(result.status, 0, result)

    @row("R16")
    def test_programs_are_not_searched_where_the_environment_says(self):
        trap = self.dir / "trap"
        trap.mkdir()
        for name in ("newuidmap", "newgidmap", "slirp4netns", "pasta", "fuse-overlayfs", "getsubids", "getent", "engine-transfer"):
            (trap / name).write_text(f"#!/bin/sh\ntouch {trap}/sprung\nexit 1\n")
            os.chmod(trap / name, 0o755)
        self.engine("run", "--rm", self.image, "true", env={"PATH": f"{trap}:/usr/bin:/bin", "LD_PRELOAD": str(trap / "x.so")})
        self.assertFalse((trap / "sprung").exists())


class SwappedProcTest(BundleTest):
    @row("CVE-2019-19921", "R2")
    def test_a_volume_in_place_of_the_root_of_another_container(self):
        """The classic: the second container gets as /proc what the first one has in a shared volume."""
        shared = self.dir / "shared"
        (shared / "proc/self/attr").mkdir(parents=True)
        (self.rootfs / "shared").mkdir()
        self.bind("/shared", shared)
        self.start_in_background("/bin/sleep", "1000", name="first")
        self.config["mounts"] = [mount for mount in self.config["mounts"] if mount["destination"] != "/proc"]
        self.bind("/proc", shared / "proc")
        self.assert_refused(self.run_bundle("/bin/true", check=False, name="second"), "/proc")
        self.assertEqual(list((shared / "proc/self/attr").iterdir()), [])
