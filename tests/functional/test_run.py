"""What `engine run` gives a process: command, environment, ids, capabilities, limits, namespaces."""

import json
import os
from pathlib import Path

from engine_test import BUSYBOX, EngineTest


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
        self.assertEqual((report["uid"], report["gid"], report["groups"]), (1000, 1000, [1000, 1001]))

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
        container = self.engine("create", "--network", "none", BUSYBOX, "/guest").stdout.strip()
        report = self.engine("start", "--attach", container).json()
        self.assertEqual(report["hostname"], container[:12])
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
                ("0", 0, 0, [0]), ("user", 1000, 1000, [1001]), ("1000", 1000, 1000, [1001]),
                ("bin:extra", 1, 1001, []),
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
        self.assertEqual(int(everything["CapEff"], 16),
                         (1 << (int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1)) - 1)
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
        profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ERRNO"}))  # not even exit(2): it ends nevertheless
        ended = self.in_container("--security-opt", f"seccomp={profile}", BUSYBOX, "true", check=False)
        self.assertNotEqual(ended.status, 0, ended)

    def test_masked_and_read_only_parts_of_proc(self):
        masked = self.in_container(BUSYBOX, "sh", "-c",
                                   "wc -c < /proc/timer_list; ls /proc/scsi /sys/firmware | wc -l; "
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
        process = self.start_engine("run", "--rm", "--network", "none", BUSYBOX, "/guest",
                                    pass_fds=[read_end, write_end])
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

    def test_namespaces_of_the_host(self):
        report = self.report("--ipc", "host", "--uts", "host", "--pid", "host")
        for name in ("ipc", "uts", "pid"):
            self.assertEqual(report["namespaces"][name], os.readlink(f"/proc/self/ns/{name}"), name)

    def test_descriptors_are_passed_only_when_they_are_open(self):
        command = self.command("run", "--rm", "--network", "none", "--preserve-fds", "1", BUSYBOX, "/guest")
        passed = self.tool("sh", "-c", 'exec "$@" 3< /dev/null', "sh", *command)
        self.assertEqual(sorted(passed.json()["fds"]), ["0", "1", "2", "3"])
        self.assert_fails(self.tool("sh", "-c", 'exec "$@" 3<&-', "sh", *command, check=False), 125, "3")

    def test_descriptors_keep_their_numbers(self):
        self.engine("run", "-d", "--name", "box", "--network", "none", BUSYBOX, "sleep", "1000")
        script = 'exec "$@" 5< /dev/null 7< /dev/null 8< /dev/null'
        for words in (("run", "--rm", "--network", "none", BUSYBOX), ("exec", "box"),
                      ("run", "--rm", "-i", "--network", "none", BUSYBOX)):
            for options, fds in ((("--preserve-fd", "5,7"), ["0", "1", "2", "5", "7"]),
                                 (("--preserve-fd=8", "--preserve-fd", "5"), ["0", "1", "2", "5", "8"])):
                command = self.command(words[0], *options, *words[1:], "/guest")
                self.assertEqual(sorted(self.tool("sh", "-c", script, "sh", *command).json()["fds"]), fds, command)
        bare = self.command("exec", "--preserve-fd", "9", "box", "/guest")
        self.assert_fails(self.tool("sh", "-c", script, "sh", *bare, check=False), 125, "9 is to be passed on")
        for number, part in (("6", "6 is to be passed on"), ("2", '"2"'), ("five", '"five"')):
            command = self.command("run", "--rm", "--network", "none", "--preserve-fd", number, BUSYBOX, "true")
            self.assert_fails(self.tool("sh", "-c", script, "sh", *command, check=False), 125, part)

    def test_umask_signals_and_oom_score_are_clean(self):
        report = self.report()
        self.assertEqual(report["umask"], 0o22)
        for name in ("SigBlk", "SigIgn"):
            self.assertEqual(int(report["status"][name], 16), 0, name)


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


class PlatformTest(EngineTest):
    def test_an_image_of_another_platform_is_not_taken_silently(self):
        self.pull_image()
        result = self.in_container("--pull", "never", "--platform", "linux/s390x", BUSYBOX, "true", check=False)
        self.assertEqual(result.status, 125, result)
