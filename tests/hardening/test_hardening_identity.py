"""Users, groups, capabilities and process numbers: exactly what was asked for, and never more."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import make_image
from hardening_test import ENGINE, HardeningTest, row, wait_until

PASSWD = (b"root:x:0:0:root:/root:/bin/sh\n"
          b"named:x:1000:1001::/home/named:/bin/sh\n"
          b"1234:x:0:0::/:/bin/sh\n"          # a name of digits only is no name
          b"4294967296:x:0:0::/:/bin/sh\n"
          b"wrapped:x:4294967296:0::/:/bin/sh\n"
          b"minus:x:-1:0::/:/bin/sh\n"
          b"empty:x::0::/:/bin/sh\n"
          b"short:x:5\n"
          b"hex:x:0x5:5::/:/bin/sh\n")
GROUP = b"root:x:0:\nnamed:x:1001:\nextra:x:2000:named\n1234:x:0:\nwrapped:x:4294967297:\n"


class IdentityTest(HardeningTest):
    def setUp(self):
        super().setUp()
        self.image = self.hostile_image([(make_image.file_entry("etc/passwd"), PASSWD),
                                         (make_image.file_entry("etc/group"), GROUP)])

    def ids(self, result):
        report = result.json()
        return report["uid"], report["gid"]

    @row("R10", "CVE-2026-30892", "uid-overflow")
    def test_forms_of_user_for_run_and_exec(self):
        container = self.start_sleeper(image=self.image)
        table = [("1", (1, 0)), ("1:", (1, 0)), ("1:2", (1, 2)), ("named", (1000, 1001)), ("named:3", (1000, 3)),
                 ("1000", (1000, 1001)), ("0", (0, 0)), ("root", (0, 0)), ("01", None), ("1234", (1234, 0)),
                 ("0x1", None), (" 1", None), ("1 ", None), ("+1", None), ("-1", None), (":1", (0, 1)),
                 ("4294967295", None), ("4294967296", None), ("18446744073709551616", None), ("9" * 40, None),
                 ("wrapped", None), ("minus", None), ("empty", None), ("short", None), ("hex", None),
                 ("1:4294967296", None), ("1:wrapped", None), ("1:-1", None), ("1:2:3", None), ("named:", (1000, 1001)),
                 ("nobody\n", None), ("a:b", None)]
        for word, expected in table:
            for words in (["run", "--rm", "--network", "none", "--user", word, self.image],
                          ["exec", "--user", word, container]):
                with self.subTest(verb=words[0], user=word):
                    result = self.engine(*words, "/guest", check=False)
                    if expected is None and result.status == 0:
                        # A form that podman reads as a plain number is accepted, but never as root.
                        self.assertNotEqual(self.ids(result)[0], 0, result)
                        self.assertIn(word.strip().lstrip("0:+"), map(str, self.ids(result)), result)
                    elif expected is not None:
                        self.assertEqual(self.ids(result), expected, result)

    @row("R10", "uid-overflow", "R14")
    def test_users_of_images(self):
        for number, (user, expected) in enumerate((("4294967296", None), ("-1", None), ("wrapped", None), ("1234", (1234, 0)),
                                                   ("0:4294967297", None), ("named", (1000, 1001)))):
            with self.subTest(user=user):
                image = self.hostile_image([(make_image.file_entry("etc/passwd"), PASSWD),
                                            (make_image.file_entry("etc/group"), GROUP)],
                                           name=f"localhost/hostile:{number}", User=user)
                result = self.in_container(image, "/guest", check=False)
                self.assertEqual(self.ids(result) if result.status == 0 else None, expected, result)

    @row("R13", "passwd")
    def test_passwd_files_that_are_no_files_or_bombs(self):
        fifo = make_image.file_entry("etc/passwd")
        fifo.type = b"6"
        huge = b"x" * (2 << 20)
        members = b"many:x:7:" + b",".join(b"m%d" % number for number in range(100_000)) + b"\n"
        sparse = bytes(8 << 20)
        for name, entries in {
                "fifo": [(fifo, b"")], "zero": [(make_image.link_entry("etc/passwd", "/dev/zero"), b"")],
                "tty": [(make_image.link_entry("etc/passwd", "/dev/tty"), b"")],
                "huge": [(make_image.file_entry("etc/passwd"), huge)], "nul": [(make_image.file_entry("etc/passwd"), sparse)],
                "folder": [(make_image.directory_entry("etc/passwd"), b"")],
                "members": [(make_image.file_entry("etc/group"), members)],
                "loop": [(make_image.link_entry("etc/passwd", "passwd"), b"")]}.items():
            with self.subTest(passwd=name):
                image = self.hostile_image(entries, name=f"localhost/hostile:{name}")
                for user in ("named", "1000", "0"):
                    result = self.in_container("--user", user, image, "true", check=False, timeout=30)
                    self.assert_refused_or_harmless(result)

    @row("R14", "CVE-2022-4318")
    def test_the_environment_adds_no_line_to_passwd(self):
        for variable in ("HOME=x\nr:x:0:0::/:/bin/sh", "USER=a\nb:x:0:0::/:/bin/sh"):
            with self.subTest(variable=variable):
                inside = self.in_container("-e", variable, "--user", "4321", self.image, "cat", "/etc/passwd", check=False)
                self.assertNotIn("r:x:0:0", inside.stdout)
                self.assertNotIn("b:x:0:0", inside.stdout)

    @row("R14")
    def test_labels_of_images_change_nothing(self):
        plain = self.report(image=self.image)
        labels = {name: "true" for name in (
            "io.podman.annotations.privileged", "io.podman.annotations.seccomp", "io.containers.autoupdate",
            "engine.privileged", "io.containers.capabilities", "run", "RUN", "install", "com.docker.official-images.bashbrew",
            "containerd.io/restart.loguri", "io.kubernetes.cri-o.userns-mode", "org.systemd.property.Delegate")}
        labels["io.containers.capabilities"] = "SYS_ADMIN"
        labels["run"] = "podman run --privileged IMAGE"
        image = self.hostile_image([(make_image.file_entry("etc/passwd"), PASSWD), (make_image.file_entry("etc/group"), GROUP)],
                                   name="localhost/hostile:labels", Labels=labels)
        labelled = self.report(image=image)
        for key in ("CapEff", "CapBnd", "CapInh", "NoNewPrivs", "Seccomp"):
            self.assertEqual(labelled["status"][key], plain["status"][key], key)
        self.assertEqual(labelled["args"], plain["args"])


class PrivilegeTest(HardeningTest):
    def setUp(self):
        super().setUp()
        tool = make_image.file_entry("setuid", 0o4755)
        self.image = self.hostile_image([(tool, Path(os.environ["GUEST"]).read_bytes())])

    @row("R7", "CVE-2022-29162")
    def test_inheritable_capabilities_are_empty(self):
        container = self.start_sleeper("--cap-add", "all", image=self.image)
        reports = [self.report(*options, image=self.image) for options in
                   ([], ["--cap-add", "all"], ["--privileged"], ["--cap-add", "SYS_ADMIN", "--user", "1000"])]
        reports += [self.engine("exec", *options, container, "/guest").json() for options in
                    ([], ["--privileged"], ["--user", "1000"])]
        for report in reports:
            # Ambient capabilities, for another user who was given some by name, cannot be without inheritable ones.
            self.assertEqual(report["status"]["CapInh"], report["status"]["CapAmb"], report["status"])
            if report["uid"] == 0:
                self.assertEqual(report["status"]["CapInh"], "0" * 16, report["status"])
        self.assertEqual(reports[-1]["status"]["CapInh"], "0" * 16)

    @row("R7")
    def test_another_user_has_no_capabilities(self):
        status = self.report("--user", "1000", image=self.image)["status"]
        self.assertEqual((status["CapEff"], status["CapPrm"], status["CapAmb"]), ("0" * 16,) * 3)

    @row("R7", "no-new-privileges")
    def test_set_id_files_give_nothing_under_no_new_privileges(self):
        def euid(*options):
            return self.in_container("--user", "1000", *options, self.image, "/setuid").json()["euid"]
        self.assertEqual(euid(), 0, "without the option the file must work, or this proves nothing")
        self.assertEqual(euid("--security-opt", "no-new-privileges"), 1000)

    @row("R7", "setgroups")
    def test_supplementary_groups_are_exact(self):
        """A file that shuts a group out stays shut for those who have that group as an additional one."""
        entry = make_image.file_entry("shut", 0o604, uid=0, gid=2000)
        image = self.hostile_image([(entry, b"open\n")], name="localhost/hostile:groups")
        self.assertEqual(self.report("--user", "1000:1000", image=image)["groups"], [1000])
        reading = ["--user", "1000:1000", image, "cat", "/shut"]
        self.assertEqual(self.in_container(*reading).stdout, "open\n")
        inside = self.in_container("--group-add", "2000", *reading, check=False)
        self.assertIn("Permission denied", inside.stderr)
        for options in ([], ["--user", "1000"], ["--privileged"], ["--group-add", "5"]):
            with self.subTest(options=options):
                groups = self.report(*options, image=image)["groups"]
                self.assertTrue(set(groups) <= {0, 1000, 1001, 5}, groups)
        container = self.start_sleeper(image=image)
        self.assertEqual(self.engine("exec", "--user", "1000:1000", container, "/guest").json()["groups"], [1000])

    @row("R7")
    def test_a_filter_is_on_and_new_namespaces_need_capabilities(self):
        status = self.report(image=self.image)["status"]
        self.assertEqual(status["Seccomp"], "2")
        result = self.in_container(self.image, "unshare", "-U", "true", check=False)
        self.assertNotEqual(result.status, 0, result)


def inodes_tell_processes():
    """Since Linux 6.9; before that, two processes of the same clock tick and number cannot be told apart."""
    descriptors = [os.pidfd_open(os.getpid()), os.pidfd_open(os.getppid())]
    try:
        return len({os.fstat(descriptor).st_ino for descriptor in descriptors}) == 2
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def start_tick(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19]


class NumberTest(HardeningTest):
    """R8: a number that was recorded is not the process that has it now."""

    def start_victim(self, real):
        """A process of ours that is not `real`, in a later clock tick where nothing else tells them apart."""
        while True:
            victim = subprocess.Popen(["/bin/sleep", "1000"])
            self.addCleanup(victim.wait)
            self.addCleanup(victim.kill)
            if inodes_tell_processes() or start_tick(victim.pid) != start_tick(real):
                return victim

    @row("R8", "kill-races")
    def test_a_recycled_number_is_not_killed(self):
        """In a pid namespace of its own, where the next number can be chosen: the container and all that belongs to it is
        gone without a trace in the state, and its number is given to a canary. Nothing may happen to that."""
        bundle = self.dir / "bundle"
        (bundle / "rootfs/bin").mkdir(parents=True)
        shutil.copy("/bin/busybox", bundle / "rootfs/bin/sleep")
        subprocess.run([ENGINE, "runtime", "spec", "--rootless", "--bundle", bundle], check=True, env=self.environment)
        config = json.loads((bundle / "config.json").read_text())
        config["process"].update(terminal=False, args=["/bin/sleep", "1000"])
        for kind in ("uid", "gid"):
            config["linux"][f"{kind}Mappings"] = [{"containerID": 0, "hostID": 0, "size": 1}]
        (bundle / "config.json").write_text(json.dumps(config))
        script = r"""
            set -e
            runtime() { $ENGINE runtime --root states --cgroup-manager disabled "$@"; }
            runtime run --detach --bundle bundle --pid-file pid c > /dev/null 2>&1 < /dev/null
            pid=$(cat pid)
            kill -KILL $pid
            while kill -0 $pid 2> /dev/null; do wait $pid 2> /dev/null || true; done
            [ -n "$INODES_TELL" ] || { read tick _ < /proc/uptime; now=$tick
                while [ $now = $tick ]; do read now _ < /proc/uptime; done; }
            echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid
            sleep 1000 & canary=$!
            [ $canary = $pid ] || { echo "SKIP: got number $canary, not $pid"; exit 0; }
            runtime kill c KILL || true
            runtime kill --all c KILL || true
            runtime delete --force c || true
            kill -0 $canary && echo SURVIVED
            kill $canary
        """
        done = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount", "--mount-proc", "--kill-child",
             "/bin/bash", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**self.environment, "ENGINE": ENGINE, "INODES_TELL": "1" if inodes_tell_processes() else ""},
            cwd=self.dir, timeout=120)
        if "SKIP" in done.stdout or "unshare:" in done.stdout:
            self.skipTest(done.stdout.strip())
        self.assertIn("SURVIVED", done.stdout, done.stdout)

    @row("R8")
    def test_numbers_in_our_own_files_are_not_believed(self):
        """The record of a container names another process of ours: stop and kill leave it alone."""
        self.pull_image()
        container = self.start_sleeper()
        real = self.inspect(container)["State"]["Pid"]
        victim = self.start_victim(real)
        changed = 0
        for path in (self.root / "containers" / container).rglob("*"):
            try:
                text = path.read_text() if path.is_file() else ""
            except (UnicodeDecodeError, PermissionError, OSError):
                continue
            if f'"pid":{real}' in text.replace(" ", ""):
                path.write_text(text.replace(str(real), str(victim.pid)))
                changed += 1
        self.assertGreater(changed, 0, "no state names the process, so nothing was tested")
        for words in (["kill", container], ["stop", "-t", "0", container], ["rm", "--force", container]):
            self.engine(*words, check=False)
        self.assertIsNone(victim.poll(), "another process was killed")
        try:
            os.kill(real, signal.SIGKILL)
        except ProcessLookupError:
            pass
        wait_until(lambda: not Path(f"/proc/{real}").exists(), "the real one is gone")


class IdMapTest(HardeningTest):
    @row("id-maps")
    def test_maps_that_overlap_or_wrap_are_refused(self):
        bundle = self.dir / "bundle"
        (bundle / "rootfs").mkdir(parents=True)
        subprocess.run([ENGINE, "runtime", "spec", "--rootless", "--bundle", bundle], check=True, env=self.environment)
        config = json.loads((bundle / "config.json").read_text())
        config["process"]["terminal"] = False
        own = {"containerID": 0, "hostID": os.getuid(), "size": 1}
        most = 2**32 - 1
        for maps in ([own, own], [{**own, "size": 0}], [{**own, "size": most + 1}], [{**own, "containerID": most, "size": 2}],
                     [{**own, "hostID": most, "size": 2}], [{**own, "containerID": -1}], [own, {**own, "hostID": 5}],
                     [{**own, "size": 10}, {**own, "containerID": 5, "hostID": 9, "size": 2}],
                     [{**own, "containerID": n, "hostID": n} for n in range(400)], [{**own, "size": 1.5}],
                     [{**own, "hostID": 0, "size": 65536}], [{"containerID": 0}]):
            with self.subTest(maps=maps[:2]):
                config["linux"]["uidMappings"] = maps
                (bundle / "config.json").write_text(json.dumps(config))
                result = self.tool(ENGINE, "runtime", "--root", self.dir / "states", "run", "--bundle", bundle, "c", check=False)
                self.assert_fails(result, 1)
                self.assertFalse(list((self.dir / "states").glob("c*")) if (self.dir / "states").exists() else [])

    @row("id-maps")
    def test_what_the_kernel_maps_is_what_was_planned(self):
        """Files of every owner in the range come out as that owner, and the map the kernel shows has no overlap."""
        image = self.hostile_image([(make_image.file_entry(f"of{owner}", 0o644, owner, owner), b"")
                                    for owner in (0, 1, 2, 999, 1000, 1001, 65534)])
        report = self.report(image=image)
        ranges = sorted(tuple(map(int, line.split())) for line in report["uid_map"])
        for (first, _, size), (second, _, _) in zip(ranges, ranges[1:]):
            self.assertLessEqual(first + size, second)
        outside = sorted((host, size) for _, host, size in ranges)
        for (first, size), (second, _) in zip(outside, outside[1:]):
            self.assertLessEqual(first + size, second)
        if sum(size for _, _, size in ranges) >= 65535:
            shown = self.in_container(image, "sh", "-c", "stat -c '%n %u %g' /of*").stdout.splitlines()
            self.assertEqual(shown, [f"/of{owner} {owner} {owner}" for owner in (0, 1, 1000, 1001, 2, 65534, 999)])
