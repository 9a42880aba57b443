"""What `engine run` gives a process: command, environment, ids, mounts, limits, exit codes."""

import json
import os
import shutil
import stat
from pathlib import Path

from engine_test import BUSYBOX, GUEST, EngineTest, is_alive, wait_until


class ImageConfigTest(EngineTest):
    """ENTRYPOINT, CMD, ENV, WORKDIR and USER of the image."""

    def test_the_command_of_the_image_runs_when_none_is_given(self):
        self.pull_image(Cmd=["/guest", "from", "cmd"])
        self.assertEqual(self.in_container(BUSYBOX).json()["args"], ["/guest", "from", "cmd"])

    def test_arguments_replace_the_command_but_not_the_entry_point(self):
        self.pull_image(Entrypoint=["/guest", "first"], Cmd=["second"])
        self.assertEqual(self.in_container(BUSYBOX).json()["args"], ["/guest", "first", "second"])
        self.assertEqual(self.in_container(BUSYBOX, "third", "-x").json()["args"], ["/guest", "first", "third", "-x"])

    def test_entrypoint_option_replaces_both(self):
        self.pull_image(Entrypoint=["/bin/false"], Cmd=["second"])
        for option, words, expected in (
                ("/guest", [], ["/guest"]),
                ("/guest", ["a"], ["/guest", "a"]),
                ('["/guest","one"]', ["two"], ["/guest", "one", "two"]),
                ("", ["/guest", "b"], ["/guest", "b"])):
            with self.subTest(entrypoint=option, words=words):
                report = self.in_container("--entrypoint", option, BUSYBOX, *words).json()
                self.assertEqual(report["args"], expected)

    def test_environment_directory_and_user_come_from_the_image(self):
        self.pull_image(Env=["PATH=/bin", "FROM_IMAGE=a b"], WorkingDir="/var/deep/er", User="user")
        report = self.report()
        self.assertIn("FROM_IMAGE=a b", report["env"])
        self.assertIn("HOME=/home/user", report["env"])
        self.assertEqual(report["cwd"], "/var/deep/er")
        self.assertEqual((report["uid"], report["gid"], report["groups"]), (1000, 1000, [1001]))

    def test_options_after_the_image_belong_to_the_container(self):
        self.pull_image(Entrypoint=["/guest"])
        words = ["--rm", "-e", "A=1", "--", "--name=x"]
        self.assertEqual(self.in_container(BUSYBOX, *words).json()["args"], ["/guest", *words])


class ProcessOptionsTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_env_options(self):
        variables = self.dir / "variables"
        variables.write_text("# a comment\nFROM_FILE=one two\n\nCOPIED\nOVERRIDDEN=file\n")
        report = self.report("-e", "A=1", "-eB=2", "-e", "EMPTY=", "-e", "CALLER", "-e", "ABSENT", "-e", "PRE*",
                             "--env-file", variables, "-e", "OVERRIDDEN=option",
                             env={"CALLER": "ours", "COPIED": "too", "PREFIX_X": "x", "OTHER": "o"})
        environment = report["env"]
        for expected in ("A=1", "B=2", "EMPTY=", "CALLER=ours", "FROM_FILE=one two", "COPIED=too", "OVERRIDDEN=option",
                         "PREFIX_X=x"):
            self.assertIn(expected, environment)
        names = [variable.partition("=")[0] for variable in environment]
        self.assertEqual(sorted(names), sorted(set(names)), "every variable once")
        for absent in ("ABSENT", "OTHER", "XDG_RUNTIME_DIR", "LC_ALL"):
            self.assertNotIn(absent, names)

    def test_the_host_name_is_the_short_id_or_the_option(self):
        report = self.report("--cidfile", self.dir / "id")
        self.assertEqual(report["hostname"], (self.dir / "id").read_text().strip()[:12])
        self.assertIn("HOSTNAME=" + report["hostname"], report["env"])
        report = self.report("--hostname", "box.example")
        self.assertEqual(report["hostname"], "box.example")
        hosts = self.in_container("--hostname", "box.example", BUSYBOX, "cat", "/etc/hosts").stdout
        self.assertIn("box.example", hosts)

    def test_working_directory(self):
        self.assertEqual(self.report()["cwd"], "/")
        self.assertEqual(self.report("-w", "/tmp")["cwd"], "/tmp")
        self.assertEqual(self.report("--workdir=/made/for/it")["cwd"], "/made/for/it")

    def test_user_forms(self):
        for option, uid, gid, groups in (
                ("0", 0, 0, [0]), ("user", 1000, 1000, [1001]), ("1000", 1000, 1000, [1001]), ("bin:extra", 1, 1001, []),
                ("1000:0", 1000, 0, []), ("4242:4343", 4242, 4343, []), ("4242", 4242, 0, []), (":extra", 0, 1001, [])):
            with self.subTest(user=option):
                report = self.report("-u", option)
                self.assertEqual((report["uid"], report["gid"]), (uid, gid))
                self.assertEqual((report["euid"], report["egid"]), (uid, gid))
                self.assertEqual(set(report["groups"]) - {gid}, set(groups) - {gid})

    def test_an_ordinary_user_in_the_container_has_no_capabilities(self):
        status = self.report("-u", "1000")["status"]
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)

    def test_capabilities(self):
        chown, net_raw, sys_admin = 1 << 0, 1 << 13, 1 << 21
        usual = self.report()["status"]
        self.assertEqual(int(usual["CapInh"], 16), 0)
        self.assertEqual(int(usual["CapAmb"], 16), 0)
        self.assertEqual(usual["CapEff"], usual["CapBnd"])
        self.assertEqual(int(usual["CapEff"], 16) & (chown | sys_admin), chown)
        self.assertEqual(int(self.report("--cap-add", "SYS_ADMIN")["status"]["CapEff"], 16),
                         int(usual["CapEff"], 16) | sys_admin)
        self.assertEqual(int(self.report("--cap-add=cap_net_raw", "--cap-drop", "chown")["status"]["CapEff"], 16),
                         (int(usual["CapEff"], 16) | net_raw) & ~chown)
        self.assertEqual(int(self.report("--cap-drop=ALL")["status"]["CapEff"], 16), 0)
        self.assertEqual(int(self.report("--cap-drop=all", "--cap-add=chown")["status"]["CapEff"], 16), chown)
        everything = self.report("--cap-add", "all")["status"]
        self.assertEqual(int(everything["CapEff"], 16), (1 << (int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1)) - 1)
        self.assertEqual(int(everything["CapInh"], 16), 0)

    def test_security_options(self):
        usual = self.report()["status"]
        self.assertEqual((usual["Seccomp"], usual["NoNewPrivs"]), ("2", "0"))
        self.assertEqual(self.report("--security-opt", "seccomp=unconfined")["status"]["Seccomp"], "0")
        self.assertEqual(self.report("--security-opt", "no-new-privileges")["status"]["NoNewPrivs"], "1")
        profile = self.dir / "profile.json"
        profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}))
        refused = self.in_container("--security-opt", f"seccomp={profile}", BUSYBOX, "mkdir", "/x", check=False)
        self.assertEqual(refused.status, 1, refused)
        self.assertIn("not supported", refused.stderr)  # 95 is EOPNOTSUPP

    def test_masked_and_read_only_parts_of_proc(self):
        masked = self.in_container(BUSYBOX, "sh", "-c", "wc -c < /proc/timer_list; ls /proc/scsi /sys/firmware | wc -l; "
                                   "echo 1 > /proc/sys/kernel/panic || echo refused", check=False)
        self.assertEqual(masked.stdout.split()[0], "0", masked)
        self.assertEqual(masked.stdout.split()[-1], "refused", masked)
        unmasked = self.in_container("--security-opt", "unmask=ALL", BUSYBOX, "cat", "/proc/self/mountinfo").stdout
        self.assertNotIn(" /proc/timer_list ", unmasked)

    def test_privileged(self):
        report = self.report("--privileged")
        self.assertEqual(report["status"]["Seccomp"], "0")
        self.assertEqual(int(report["status"]["CapEff"], 16), int(report["status"]["CapBnd"], 16))
        self.assertTrue(int(report["status"]["CapEff"], 16) & (1 << 21))
        mounts = "\n".join(report["mounts"])
        self.assertNotIn(" /proc/timer_list ", mounts)
        self.assertEqual(self.in_container("--privileged", BUSYBOX, "sh", "-c", "mount -t tmpfs x /mnt 2>&1 || "
                         "mkdir /mnt && mount -t tmpfs x /mnt && echo mounted").stdout.splitlines()[-1], "mounted")

    def test_init_is_process_one_and_reaps(self):
        self.assertEqual(self.report()["pid"], 1)
        report = self.report("--init")
        self.assertNotEqual(report["pid"], 1)
        self.assertEqual(report["parent"], 1)
        self.assertEqual(self.in_container("--init", BUSYBOX, "sh", "-c", "exit 23", check=False).status, 23)

    def test_limits(self):
        report = self.report("--ulimit", "nofile=100:200", "--ulimit", "core=0")
        self.assertEqual(report["limits"]["nofile"], [100, 200])
        self.assertEqual(report["limits"]["core"], [0, 0])

    def test_only_standard_descriptors_are_open(self):
        self.assertEqual(sorted(self.report()["fds"]), ["0", "1", "2"])
        self.assertEqual(sorted(self.in_container("-i", BUSYBOX, "/guest", input="").json()["fds"]), ["0", "1", "2"])
        container = self.start_sleeper()
        self.assertEqual(sorted(self.engine("exec", container, "/guest").json()["fds"]), ["0", "1", "2"])
        self.engine("run", "-d", "--name", "detached", "--network", "none", BUSYBOX, "/guest")
        self.engine("wait", "detached")
        self.assertEqual(sorted(self.engine("logs", "detached").json()["fds"]), ["0", "1", "2"])

    def test_a_descriptor_of_the_caller_does_not_leak(self):
        read_end, write_end = os.pipe()
        process = self.start_engine("run", "--rm", "--network", "none", BUSYBOX, "/guest", pass_fds=[read_end, write_end])
        stdout, _ = process.communicate(timeout=60)
        os.close(read_end)
        os.close(write_end)
        self.assertEqual(sorted(json.loads(stdout)["fds"]), ["0", "1", "2"])

    def test_namespaces_are_the_containers_own(self):
        report = self.report()
        for name in ("user", "mnt", "pid", "ipc", "uts", "net", "cgroup"):
            self.assertNotEqual(report["namespaces"][name], os.readlink(f"/proc/self/ns/{name}"), name)
        self.assertEqual(report["uid_map"][0].split()[:2], ["0", str(os.getuid())])
        self.assertGreater(len(report["uid_map"]), 1)

    def test_umask_signals_and_oom_score_are_clean(self):
        report = self.report()
        self.assertEqual(report["umask"], 0o22)
        for name in ("SigBlk", "SigIgn"):
            self.assertEqual(int(report["status"][name], 16), 0, name)


class MountsTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.shared = self.dir / "shared"
        self.shared.mkdir()
        (self.shared / "file").write_text("from the host\n")

    def mount_of(self, report, target):
        """(mount options, type, super options) of the mount on `target`."""
        for line in report["mounts"]:
            fields, _, rest = line.partition(" - ")
            if fields.split()[4] == target:
                return fields.split()[5].split(","), rest.split()[0], rest.split()[2].split(",")
        self.fail(f"nothing is mounted on {target}: {report['mounts']}")

    def test_a_bind_mount_shows_the_folder_of_the_host_and_writes_go_through(self):
        self.in_container("-v", f"{self.shared}:/there", BUSYBOX, "sh", "-c", "cat /there/file > /there/copy")
        self.assertEqual((self.shared / "copy").read_text(), "from the host\n")
        self.assertEqual((self.shared / "copy").stat().st_uid, os.getuid())

    def test_a_read_only_bind_mount_refuses_writes(self):
        for options in (["-v", f"{self.shared}:/there:ro"],
                        ["--mount", f"type=bind,source={self.shared},target=/there,readonly"],
                        ["--mount", f"type=bind,src={self.shared},dst=/there,ro=true"]):
            with self.subTest(options=options):
                done = self.in_container(*options, BUSYBOX, "sh", "-c", "cat /there/file; echo x > /there/file", check=False)
                self.assertEqual(done.stdout, "from the host\n")
                self.assertIn("Read-only file system", done.stderr)
        self.assertEqual((self.shared / "file").read_text(), "from the host\n")

    def test_a_single_file_can_be_mounted(self):
        done = self.in_container("-v", f"{self.shared}/file:/etc/issue:ro", BUSYBOX, "cat", "/etc/issue")
        self.assertEqual(done.stdout, "from the host\n")

    def test_tmpfs_with_options(self):
        report = self.report("--tmpfs", "/scratch:size=64k,mode=1770,noexec")
        options, kind, super_options = self.mount_of(report, "/scratch")
        self.assertEqual(kind, "tmpfs")
        self.assertIn("noexec", options)
        self.assertIn("size=64k", super_options)
        report = self.report("--mount", "type=tmpfs,target=/scratch,tmpfs-size=65536")
        self.assertIn("size=64k", self.mount_of(report, "/scratch")[2])

    def test_a_named_volume_outlives_its_container_and_starts_with_the_images_files(self):
        self.in_container("-v", "data:/etc", BUSYBOX, "sh", "-c", "echo kept > /etc/new")
        self.assertEqual(self.in_container("--mount", "type=volume,source=data,target=/d", BUSYBOX,
                                           "sh", "-c", "cat /d/new; head -n 1 /d/passwd").stdout,
                         "kept\nroot:x:0:0:root:/root:/bin/sh\n")

    def test_an_anonymous_volume_goes_with_rm(self):
        done = self.in_container("-v", "/data", BUSYBOX, "sh", "-c", "echo x > /data/x && cat /data/x")
        self.assertEqual(done.stdout, "x\n")
        volumes = self.root / "volumes"
        left = [path for path in volumes.glob("*") if path.is_dir() and any(path.iterdir())] if volumes.exists() else []
        self.assertEqual(left, [])

    def test_read_only_root(self):
        done = self.in_container("--read-only", BUSYBOX, "sh", "-c", "echo x > /etc/x; echo y > /tmp/y && cat /tmp/y", check=False)
        self.assertIn("Read-only file system", done.stderr)
        self.assertEqual(done.stdout, "y\n")
        done = self.in_container("--read-only", "--read-only-tmpfs=false", BUSYBOX, "touch", "/tmp/y", check=False)
        self.assertIn("Read-only file system", done.stderr)
        # Mounts of the user stay writable.
        self.in_container("--read-only", "-v", f"{self.shared}:/there", BUSYBOX, "touch", "/there/new")
        self.assertTrue((self.shared / "new").exists())

    def test_the_usual_mounts(self):
        report = self.report()
        self.assertEqual(self.mount_of(report, "/proc")[1], "proc")
        self.assertEqual(self.mount_of(report, "/dev")[1], "tmpfs")
        self.assertEqual(self.mount_of(report, "/dev/pts")[1], "devpts")
        self.assertEqual(self.mount_of(report, "/dev/shm")[1], "tmpfs")
        self.assertIn("ro", self.mount_of(report, "/sys")[0])
        devices = self.in_container(BUSYBOX, "sh", "-c", "ls /dev; echo x > /dev/null; head -c 4 /dev/zero | wc -c").stdout.split()
        for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "stdin", "stdout", "stderr", "fd"):
            self.assertIn(name, devices)

    def test_shm_size(self):
        self.assertIn("size=128k", self.mount_of(self.report("--shm-size", "128k"), "/dev/shm")[2])

    def test_a_link_in_the_image_cannot_move_a_mount_out(self):
        """A target that is a symbolic link to .. is followed inside the root, not on the host."""
        outside = self.dir / "outside"
        outside.mkdir()
        self.engine("run", "--name", "linker", "--network", "none", BUSYBOX, "ln", "-s", f"/../../../../../../{outside}", "/way")
        self.engine("start", "linker")
        self.in_container("-v", f"{self.shared}:/way/in", BUSYBOX, "true")
        self.assertEqual(list(outside.iterdir()), [])


class NetworkTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def interfaces(self, report):
        return sorted(line.split(":")[0].strip() for line in report["interfaces"][2:])

    def test_network_none_has_only_a_loopback_interface_which_is_up(self):
        self.assertEqual(self.interfaces(self.report()), ["lo"])
        self.assertIn("127.0.0.1", self.in_container(BUSYBOX, "ifconfig", "lo").stdout)

    def test_network_host_is_the_callers(self):
        report = self.engine("run", "--rm", "--network", "host", BUSYBOX, "/guest").json()
        self.assertEqual(report["namespaces"]["net"], os.readlink("/proc/self/ns/net"))
        self.assertNotEqual(report["namespaces"]["uts"], os.readlink("/proc/self/ns/uts"))


class RootfsTest(EngineTest):
    def test_a_folder_serves_as_root_file_system_and_keeps_what_is_written(self):
        folder = self.dir / "rootfs"
        (folder / "bin").mkdir(parents=True)
        shutil.copy("/bin/busybox", folder / "bin/busybox")
        shutil.copy(GUEST, folder / "guest")
        report = self.in_container("--rootfs", folder, "/guest").json()
        self.assertEqual(report["uid"], 0)
        self.in_container("--rootfs", folder, "/bin/busybox", "touch", "/made")
        self.assertEqual((folder / "made").stat().st_uid, os.getuid())

    def test_image_sources_other_than_registries(self):
        image = self.guest_image("localhost/other:1")
        archive = self.archive(image)
        self.assertEqual(self.engine("run", "-q", "--rm", "--network", "none", archive, "/guest", "exit", "3", check=False).status, 3)
        image.write_layout(self.dir / "layout")
        self.assertEqual(self.engine("run", "-q", "--rm", "--network", "none", f"oci:{self.dir}/layout", "hostname",
                                     ).stdout.strip().isalnum(), True)
        image.write_docker_archive(self.dir / "docker.tar")
        self.assertEqual(self.engine("run", "-q", "--rm", "--network", "none", f"docker-archive:{self.dir}/docker.tar", "echo", "hi").stdout, "hi\n")


class PlatformTest(EngineTest):
    def test_an_image_of_another_platform_is_not_taken_silently(self):
        self.pull_image()
        result = self.in_container("--pull", "never", "--platform", "linux/s390x", BUSYBOX, "true", check=False)
        self.assertEqual(result.status, 125, result)


class LifeTest(EngineTest):
    """Names, ids, labels, --rm, and the exit code."""

    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_exit_codes(self):
        for words, status in (
                (["sh", "-c", "exit 0"], 0), (["sh", "-c", "exit 7"], 7), (["/guest", "exit", "255"], 255),
                (["sh", "-c", "sh -c 'kill -9 $$'; exit $?"], 137), (["sh", "-c", "kill -KILL 1; exit 4"], 4),
                (["/no/such/program"], 127), (["no-such-word"], 127), (["/etc/passwd"], 126), (["/etc"], 126)):
            for options in ([], ["-i"]):
                with self.subTest(words=words, options=options):
                    self.assertEqual(self.in_container(*options, BUSYBOX, *words, check=False).status, status)
        self.assert_no_containers()

    def test_death_by_a_signal_is_128_and_its_number(self):
        self.assertEqual(self.in_container("--init", BUSYBOX, "sh", "-c", "kill -9 $$", check=False).status, 137)
        for name, number in (("KILL", 9), ("SEGV", 11), ("TERM", 15)):
            container = self.start_sleeper("--init")  # process 1 itself is deaf to signals that it does not handle
            self.wait_for_log(container, "ready")
            self.engine("kill", "--signal", name, container)
            self.assertEqual(self.engine("wait", container).stdout, f"{128 + number}\n")

    def test_a_program_that_is_missing_is_named(self):
        self.assert_fails(self.in_container(BUSYBOX, "no-such-word", check=False), 127, "no-such-word")
        self.assert_fails(self.in_container(BUSYBOX, "/etc/passwd", check=False), 126, "/etc/passwd")

    def test_rm_leaves_nothing(self):
        for options in ([], ["-i"], ["-d"]):
            with self.subTest(options=options):
                self.engine("run", "--rm", "--network", "none", *options, BUSYBOX, "/guest")
                wait_until(lambda: self.engine("ps", "-aq").stdout == "", "the container is removed")
        containers = self.root / "containers"
        left = [str(path) for path in containers.rglob("*") if path.is_dir() and len(path.name) == 64]
        self.assertEqual(left, [])
        self.assert_nothing_unfinished()

    def test_without_rm_the_container_stays_with_its_exit_code_and_files(self):
        self.engine("run", "--name", "kept", "--network", "none", BUSYBOX, "sh", "-c", "echo data > /file; exit 3", check=False)
        state = self.inspect("kept")["State"]
        self.assertEqual((state["Status"], state["ExitCode"]), ("exited", 3))
        self.assertEqual(self.engine("ps", "-q").stdout, "")
        self.assertEqual(len(self.engine("ps", "-a", "-q").stdout.split()), 1)
        self.assertEqual(self.engine("start", "-a", "kept", check=False).status, 3)

    def test_labels_name_and_cidfile_can_be_seen_again(self):
        labels = self.dir / "labels"
        labels.write_text("# comment\nfrom=file\nboth=file\n")
        container = self.engine("create", "--network", "none", "--name", "named", "-l", "a=b", "--label", "empty", "-l", "both=option", "--label-file", labels,
                                "--cidfile", self.dir / "cid", BUSYBOX).stdout.strip()
        self.assertEqual((self.dir / "cid").read_text().strip(), container)
        shown = self.inspect("named")
        self.assertEqual(shown["Id"], container)
        self.assertEqual(shown["Config"]["Labels"], {"a": "b", "empty": "", "both": "option", "from": "file"})
        self.assertEqual(shown["Name"].lstrip("/"), "named")

    def test_a_name_is_taken_once(self):
        first = self.engine("create", "--network", "none", "--name", "one", BUSYBOX).stdout.strip()
        self.assert_fails(self.engine("create", "--network", "none", "--name", "one", BUSYBOX, check=False), 125, "one")
        self.assert_fails(self.in_container("--name", "one", BUSYBOX, "true", check=False), 125, "one")
        self.assertEqual(self.engine("ps", "-aq", "--no-trunc").stdout.split(), [first])
        second = self.engine("create", "--network", "none", "--replace", "--name", "one", BUSYBOX).stdout.strip()
        self.assertEqual(self.engine("ps", "-aq", "--no-trunc").stdout.split(), [second])
        self.engine("rm", "one")
        self.engine("create", "--network", "none", "--name", "one", BUSYBOX)

    def test_pull_policies(self):
        self.in_container("--pull", "never", BUSYBOX, "true")
        self.in_container("--pull", "missing", BUSYBOX, "true")
        # "always" asks the registry of the name, which is not there.
        result = self.in_container("-q", "--pull", "always", "127.0.0.1:1/none/busybox", "true", check=False)
        self.assert_fails(result, 125, "127.0.0.1:1")


class StdinTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_input_reaches_the_container_only_with_i(self):
        self.assertEqual(self.in_container("-i", BUSYBOX, "cat", input="hello\n").stdout, "hello\n")
        self.assertEqual(self.in_container(BUSYBOX, "cat", input="hello\n").stdout, "")
        self.assertEqual(self.engine("run", "-i", "--network", "none", "--name", "kept", BUSYBOX, "cat", input="x").stdout, "x")

    def test_ten_megabytes_arrive_whole(self):
        data = os.urandom(1024) * 10240
        for options in (["--rm"], []):
            done = self.engine("run", "-i", "--network", "none", *options, BUSYBOX, "cat", input=data, text=False)
            self.assertEqual(done.stdout == data, True, f"{len(done.stdout)} bytes came back")

    def test_a_closed_input_is_seen_while_output_goes_on(self):
        """The container reads to the end of its input and only then answers."""
        done = self.in_container("-i", BUSYBOX, "sh", "-c", "wc -c; echo after; exit 5", input="12345", check=False)
        self.assertEqual((done.stdout, done.status), ("5\nafter\n", 5))

    def test_a_container_that_does_not_read_its_input_still_ends(self):
        done = self.in_container("-i", BUSYBOX, "true", input="x" * 1_000_000)
        self.assertEqual(done.status, 0)

    def test_the_container_ends_while_the_input_stays_open(self):
        read_end, write_end = os.pipe()
        process = self.start_engine("run", "-i", "--rm", "--network", "none", BUSYBOX, "/guest", "exit", "6", stdin=read_end)
        os.close(read_end)
        process.communicate(timeout=60)
        os.close(write_end)
        self.assertEqual(process.returncode, 6)

    def test_standard_error_stays_apart(self):
        done = self.in_container("-i", BUSYBOX, "sh", "-c", "echo out; echo err >&2")
        self.assertEqual((done.stdout, done.stderr), ("out\n", "err\n"))

    def test_a_reader_that_goes_away_ends_the_writer(self):
        process = self.start_engine("run", "--rm", "--network", "none", BUSYBOX, "yes")
        self.assertEqual(process.stdout.readline(), "y\n")
        process.stdout.close()
        process.wait(timeout=60)
        self.assertNotEqual(process.returncode, 0)
        self.assert_no_containers()


class SignalTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_signals_are_passed_on(self):
        script = "trap 'echo got it; exit 9' TERM; echo ready; while :; do read -t 1 x < /dev/zero; done"
        for options in (["--rm"], ["--rm", "-i"]):
            with self.subTest(options=options):
                process = self.start_engine("run", *options, "--network", "none", BUSYBOX, "sh", "-c", script)
                self.assertEqual(process.stdout.readline(), "ready\n")
                process.terminate()
                stdout, _ = process.communicate(timeout=60)
                self.assertEqual((stdout, process.returncode), ("got it\n", 9))
