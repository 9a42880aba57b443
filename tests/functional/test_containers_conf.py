"""containers.conf: what a user or an administrator sets for all containers, and how the command line changes it."""

import json
import os

from engine_test import BUSYBOX, EngineTest
from make_image import busybox_image
from network_test import can_use_tun

SHOW = """
cat /proc/self/oom_score_adj; umask; date +%Z; ulimit -n; df -k /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2
grep CapBnd /proc/self/status | tr '\\t' ' '; cat /proc/sys/net/ipv4/ip_forward; echo "$A $PATH"
"""
CONFIGURED = """
[containers]
annotations = ["one=configured", "two=configured"]
base_hosts_file = "none"
cgroupns = "host"
default_capabilities = ["CHOWN", "CAP_KILL"]
default_sysctls = ["net.ipv4.ip_forward=1", "net.ipv4.ping_group_range=0 0"]
default_ulimits = ["nofile=500:600"]
devices = ["/dev/null:/dev/configured"]
dns_options = ["ndots:3"]
dns_searches = ["example.org"]
dns_servers = ["192.0.2.53"]
env = ["A=configured", "PATH=/configured"]
host_containers_internal_ip = "192.0.2.77"
init = true
mounts = ["type=tmpfs,destination=/configured-mount"]
oom_score_adj = 500
read_only = true
shm_size = "1m"
tz = "Asia/Tokyo"
umask = "0077"
volumes = ["configured:/configured-volume"]
[engine]
image_volume_mode = "ignore"
"""


class ContainersConfTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def configure(self, text, name="containers.conf"):
        path = self.dir / name
        path.write_text(text)
        self.environment["CONTAINERS_CONF"] = str(path)
        return path

    def shown(self, *words):
        return self.engine("run", "--rm", "--network", "none", *words).stdout.splitlines()

    def test_what_is_configured_holds_for_containers_that_do_not_say(self):
        self.configure(CONFIGURED)
        self.assertEqual(self.shown(BUSYBOX, "sh", "-c", SHOW), [
            "500", "0077", "JST", "500", "1024", "CapBnd: 0000000000000021", "1", "configured /bin:/usr/bin"])
        self.assertEqual(self.shown(BUSYBOX, "sh", "-c", "cat /proc/1/comm; touch /x 2>/dev/null || echo read-only;"
                                    "ls -d /dev/configured /configured-volume; mount | grep -c configured-mount"),
                         ["engine-init", "read-only", "/configured-volume", "/dev/configured", "1"])
        self.assertEqual(self.engine("volume", "ls", "-q").stdout, "configured\n")

    def test_names(self):
        self.configure(CONFIGURED)
        hosts = "\n".join(self.shown("--name", "web", BUSYBOX, "cat", "/etc/hosts"))
        self.assertIn("192.0.2.77\thost.containers.internal", hosts)
        self.assertNotIn("ip6-", hosts)  # base_hosts_file: nothing of the host's
        resolv = self.engine("run", "--rm", "--network", "host", "--dns", "192.0.2.54", BUSYBOX, "cat", "/etc/resolv.conf")
        self.assertEqual(resolv.stdout.splitlines(), ["search example.org", "nameserver 192.0.2.53", "nameserver 192.0.2.54",
                                  "options ndots:3"])

    def test_the_command_line_replaces_or_adds(self):
        self.configure(CONFIGURED)
        self.assertEqual(self.shown("--oom-score-adj", "600", "--umask", "22", "--tz", "UTC", "--ulimit", "nofile=300",
                                    "--shm-size", "2m", "--cap-add", "SYS_PTRACE", "--cap-drop", "KILL", "-e", "A=typed",
                                    "--sysctl", "net.ipv4.ip_forward=0", BUSYBOX, "sh", "-c", SHOW), [
            "600", "0022", "UTC", "300", "2048", "CapBnd: 0000000000080001", "0", "typed /bin:/usr/bin"])
        self.assertEqual(self.shown("--init=false", "--read-only=false", "--device", "/dev/zero:/dev/typed",
                                    "-v", "typed:/typed-volume", BUSYBOX, "sh", "-c", "cat /proc/1/comm; touch /x &&"
                                    "ls -d /x /dev/configured /dev/typed /configured-volume /typed-volume"),
                         ["sh", "/configured-volume", "/dev/configured", "/dev/typed", "/typed-volume", "/x"])
        self.engine("create", "--name", "noted", "--network", "none", "--annotation", "two=typed", BUSYBOX)
        annotations = json.loads(self.engine("inspect", "noted").stdout)[0]["HostConfig"]["Annotations"]
        self.assertEqual({key: annotations[key] for key in ("one", "two")}, {"one": "configured", "two": "typed"})

    def test_init_gives_way_to_a_shared_pid_namespace(self):
        self.configure("[containers]\ninit = true\n")
        self.shown("--pid", "host", BUSYBOX, "true")

    def test_a_value_that_cannot_be_meant_names_the_file(self):
        path = self.configure('[containers]\nshm_size = "much"\n')
        done = self.engine("run", BUSYBOX, "true", check=False)
        self.assertEqual(done.status, 125)
        self.assertIn(str(path), done.stderr)
        self.assertIn('"much" is not a size', done.stderr)
        self.assertEqual(self.engine("ps", "-aq").stdout, "")

    def test_values_that_would_count_for_nothing(self):
        for text, words in (('[engine]\nstop_timeout = "5"\n', 'engine.stop_timeout is "5", which is no number'),
                            ('[containers]\npids_limit = "100"\n', 'containers.pids_limit is "100"'),
                            ('[network]\nnetwork_backend = "nonsense"\n', 'network_backend is "nonsense"'),
                            ("[network]\nnetwork_backend = 3\n", "network_backend is 3"),
                            ("[engine]\nnum_locks = 0\n", "num_locks is 0"),
                            ("[engine]\nnum_locks = 4294967296\n", "num_locks is 4294967296"),
                            ('[engine]\nnum_locks = "2048"\n', 'engine.num_locks is "2048", which is no number'),
                            ('[engine]\nevents_logfile_max_size = "x"\n', 'events_logfile_max_size is "x", which is no size'),
                            ("[engine]\nevents_logfile_max_size = -1\n", "events_logfile_max_size is -1"),
                            ("[engine]\nevents_logfile_max_size = true\n", "events_logfile_max_size is true"),
                            ('[containers]\ndefault_sysctls = ["nonsense"]\n', '"nonsense" is not NAME=VALUE')):
            with self.subTest(text=text):
                path = self.configure(text)
                done = self.engine("run", "--network", "none", BUSYBOX, "true", check=False)
                self.assert_fails(done, 125, words)
                self.assertIn(str(path), done.stderr)
        for text in ('[network]\nnetwork_backend = "cni"\n', '[network]\nnetwork_backend = ""\n', "[engine]\nnum_locks = 7\n",
                     '[engine]\nevents_logfile_max_size = ""\n', '[engine]\nevents_logfile_max_size = "1.5mb"\n'):
            with self.subTest(text=text):
                self.configure(text)
                self.engine("ps")

    def test_nonsense_is_refused_where_podman_refuses_it(self):
        made = (("containers", "cgroups"), ("engine", "cgroup_manager"), ("containers", "log_driver"),
                ("engine", "events_logger"))
        for table, key in made:
            with self.subTest(key=key):
                self.configure(f'[{table}]\n{key} = "nonsense"\n')
                self.assert_fails(self.engine("run", "--network", "none", BUSYBOX, "true", check=False), 125, '"nonsense"')
                self.assertEqual(self.engine("ps", "-aq").stdout, "")  # others go on, and nothing was made
        self.configure('[containers]\ncgroups = "nonsense"\nlog_driver = "nonsense"\n[engine]\ncgroup_manager = "nonsense"\n'
                       'events_logger = "nonsense"\n')
        self.assert_fails(self.engine("events", "--stream=false", check=False), 125, 'events_logger "nonsense"')
        self.assertEqual(self.engine("--cgroup-manager", "cgroupfs", "--events-backend", "file", "run", "--rm", "--cgroups",
                                     "enabled", "--log-driver", "none", "--network", "none", BUSYBOX, "echo", "typed")
                         .stdout, "typed\n")
        for text, words in (("log_size_max = 10", "log_size_max is 10"), ('log_tag = "{{.x"', "log_tag")):
            with self.subTest(text=text):
                self.configure(f"[containers]\n{text}\n")
                self.assert_fails(self.engine("run", "--network", "none", BUSYBOX, "true", check=False), 125, words)

    def test_nul_bytes(self):
        for text, key in (('[containers]\nenv = ["A=b\\u0000c"]\n', "containers.env"),
                          ('[engine]\nenv = ["A=b\\U00000000c"]\n', "engine.env"),
                          ('[containers]\ntz = "a\\u0000b"\n', "containers.tz")):
            with self.subTest(key=key):
                path = self.configure(text)
                done = self.engine("run", "--network", "none", BUSYBOX, "true", check=False)
                self.assert_fails(done, 125, f"{path}: {key} has a NUL byte")
                self.assertIn("hint: ", done.stderr)
        self.configure("")
        file = self.dir / "variables"
        file.write_bytes("A=b\nC=d\n".encode("utf-16"))
        done = self.engine("run", "--network", "none", "--env-file", str(file), BUSYBOX, "true", check=False)
        self.assert_fails(done, 125, f"{file}:1: ")
        self.assertIn("hint: variables are text", done.stderr)

    def test_a_typed_volume_takes_the_place_of_a_configured_one(self):
        self.configure('[containers]\nvolumes = ["/usr:/one", "other:/two"]\n')
        self.assertEqual(self.shown("-v", "mine:/one/", BUSYBOX, "sh", "-c", "ls /one; ls -d /two"), ["/two"])

    def test_a_clone_has_what_is_configured(self):
        self.configure('[containers]\numask = "0077"\ntz = "Asia/Tokyo"\nvolumes = ["data:/data"]\n')
        self.engine("create", "--name", "web", "--network", "none", "--umask", "27", BUSYBOX, "sh", "-c",
                    "umask; date +%Z; ls -d /data")
        self.engine("container", "clone", "web", "shop")
        self.assertEqual(self.engine("start", "-a", "shop").stdout, "0027\nJST\n/data\n")

    def test_name_servers_where_no_network_is_configured(self):
        self.configure('[containers]\nnetns = "none"\ndns_servers = ["192.0.2.53"]\n')
        resolv = self.engine("run", "--rm", BUSYBOX, "cat", "/etc/resolv.conf").stdout
        self.assertNotIn("192.0.2.53", resolv)

    def test_user_namespaces_of_others_are_not_configured(self):
        self.configure('[containers]\nuserns = "container:web"\n')
        done = self.engine("run", "--network", "none", BUSYBOX, "true", check=False)
        self.assert_fails(done, 125, '--userns "container:web" cannot be configured for all containers')

    def test_capabilities_that_do_not_exist(self):
        self.configure('[containers]\ndefault_capabilities = ["CHOWN", "FLY"]\n')
        done = self.engine("run", "--network", "none", BUSYBOX, "true", check=False)
        self.assertEqual((done.status, done.stderr.splitlines()[0]),
                         (125, 'Error: default_capabilities of containers.conf: unknown capability "FLY"'))

    def test_arrays_that_append(self):
        self.configure('[containers]\nvolumes = ["first:/first"]\nenv = ["B=1"]\n')
        more = self.dir / "more.conf"
        more.write_text('[containers]\nvolumes = ["second:/second", {append = true}]\nenv = ["C=2"]\n')
        self.environment["CONTAINERS_CONF_OVERRIDE"] = str(more)
        self.assertEqual(self.shown(BUSYBOX, "sh", "-c", "ls -d /first /second; echo \"$B-$C\""),
                         ["/first", "/second", "-2"])

    def test_a_module_is_one_more_file(self):
        self.configure('[containers]\numask = "0077"\ntz = "UTC"\n')
        module = self.home / ".config/containers/containers.conf.modules/strict.conf"
        module.parent.mkdir(parents=True)
        module.write_text('[containers]\numask = "0027"\n')
        for name in ("strict.conf", str(module)):
            done = self.engine("--module", name, "run", "--rm", "--network", "none", BUSYBOX, "sh", "-c", "umask")
            self.assertEqual(done.stdout, "0027\n")
        done = self.engine("--module", "missing.conf", "run", "--rm", BUSYBOX, "true", check=False)
        self.assertEqual(done.status, 125)
        self.assertIn('--module "missing.conf" does not exist', done.stderr)

    def test_ports_without_an_address(self):
        self.configure('[network]\ndefault_host_ips = ["127.0.0.1", "127.0.0.2"]\n')
        if not can_use_tun():
            self.skipTest("/dev/net/tun is closed to us")
        self.engine("create", "--name", "web", "-p", "8080:80", "-p", "127.0.0.3:9090:90", BUSYBOX)
        bindings = json.loads(self.engine("inspect", "web", "--format", "{{json .HostConfig.PortBindings}}").stdout)
        self.assertEqual(sorted(one["HostIp"] for one in bindings["80/tcp"]), ["127.0.0.1", "127.0.0.2"])
        self.assertEqual([one["HostIp"] for one in bindings["90/tcp"]], ["127.0.0.3"])

    def test_all_keys_are_listed(self):
        path = self.configure(CONFIGURED)
        found = {key["Key"]: key for key in self.engine("config", "list", "--format", "json").json()}
        self.assertEqual(found["containers.umask"]["Value"], '"0077"')
        self.assertEqual(found["containers.umask"]["Winner"], str(path))
        self.assertEqual(found["mode.without"]["Value"], "[]")

    def test_the_format_of_commits(self):
        self.configure('[engine]\nimage_default_format = "docker"\n')
        self.engine("create", "--name", "box", "--network", "none", BUSYBOX)
        self.engine("commit", "-q", "box", "localhost/made")
        self.assertIn("docker", self.engine("image", "inspect", "--format", "{{.ManifestType}}", "localhost/made").stdout)

    def test_a_transient_store(self):
        transient = ("--transient-store",)
        self.engine(*transient, "create", "--name", "passing", "--network", "none", BUSYBOX, "echo", "here")
        self.assertEqual(self.engine(*transient, "start", "-a", "passing").stdout, "here\n")
        self.assertEqual(self.engine(*transient, "ps", "-a", "--format", "{{.Names}}").stdout, "passing\n")
        self.assertEqual(self.engine("ps", "-aq").stdout, "")
        self.assertIn(BUSYBOX.split(":")[0], self.engine(*transient, "images").stdout)
        self.engine(*transient, "rm", "passing")

    def test_what_a_transient_container_uses_stays(self):
        transient = ("--transient-store",)
        self.addCleanup(self.engine, *transient, "rm", "-f", "-t", "0", "--all", check=False)
        for name in ("one", "two"):
            self.engine(*transient, "run", "-d", "--name", name, "--network", "none", BUSYBOX, "sleep", "1000")
        self.assert_fails(self.engine("rmi", BUSYBOX, check=False), 2, "is used by container", "and 1 more")
        self.assert_fails(self.engine("rmi", "-f", BUSYBOX, check=False), 2, "/transient rm -f")
        for words in (("image", "prune", "-af"), ("system", "prune", "-af"), ("system", "prune", "-af", "--volumes")):
            self.engine(*words)
            self.engine(*transient, *words)
            self.assertIn("bin\n", self.engine(*transient, "exec", "one", "ls", "/").stdout, words)
        self.assertEqual(self.engine("system", "check").status, 0)
        self.engine(*transient, "rm", "-f", "-t", "0", "one", "two")
        self.engine("rmi", BUSYBOX)

    def test_a_reset_ends_transient_containers(self):
        self.engine("--transient-store", "run", "-d", "--name", "one", "--network", "none", BUSYBOX, "sleep", "1000")
        pid = self.engine("--transient-store", "inspect", "-f", "{{.State.Pid}}", "one").stdout.strip()
        self.engine("system", "reset", "-f")
        self.assertFalse(os.path.exists(f"/proc/{pid}"))
        self.assertEqual(self.engine("--transient-store", "ps", "-aq").stdout, "")

    def test_a_transient_command_leaves_what_lasts(self):
        transient = ("--transient-store",)
        self.engine("create", "--name", "lasts", "--network", "none", BUSYBOX, "echo", "still here")
        self.assert_fails(self.engine(*transient, "rmi", "-f", BUSYBOX, check=False), 2, '"lasts"')
        for words in (("image", "prune", "-af"), ("system", "prune", "-af"), ("container", "prune", "-f"), ("rm", "-f", "--all")):
            self.engine(*transient, *words)
        self.assertEqual(self.engine("start", "-a", "lasts").stdout, "still here\n")

    def test_a_folder_with_the_logins(self):
        folder = self.dir / "docker"
        folder.mkdir()
        (folder / "config.json").write_text('{"auths": {"registry.example": {"auth": "dXNlcjpwYXNz"}}}')
        self.assertEqual(self.engine("--config", str(folder), "login", "--get-login", "registry.example").stdout,
                         "user\n")

    def write_hook(self, folder, name, when, stages, marker):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps({
            "version": "1.0.0", "when": when, "stages": stages,
            "hook": {"path": "/bin/sh", "args": ["sh", "-c", f"echo {marker} >> {self.dir}/marks"]}}))

    def marks(self, *words, options=()):
        (self.dir / "marks").write_text("")
        self.engine(*options, "run", "--rm", "--network", "none", *words)
        return (self.dir / "marks").read_text().split()

    def test_hooks_run_where_their_conditions_hold(self):
        first, second = self.dir / "first", self.dir / "second"
        self.write_hook(first, "10-always.json", {"always": True}, ["createRuntime"], "always")
        self.write_hook(first, "20-both.json", {"annotations": {"^wants$": "^a.*"}, "commands": ["true$"]},
                        ["createRuntime"], "both")
        self.write_hook(first, "30-volumes.json", {"hasBindMounts": True}, ["poststop"], "volumes")
        self.write_hook(first, "40-never.json", {"always": False}, ["createRuntime"], "never")
        self.write_hook(first, "50-none.json", {}, ["createRuntime"], "none")
        options = ("--hooks-dir", str(first))
        self.assertEqual(self.marks(BUSYBOX, "true", options=options), ["always"])
        self.assertEqual(self.marks("--annotation", "wants=all", BUSYBOX, "true", options=options), ["always", "both"])
        self.assertEqual(self.marks("--annotation", "wants=all", BUSYBOX, "pwd", options=options), ["always"])
        self.assertEqual(self.marks("-v", "data:/data", BUSYBOX, "true", options=options), ["always", "volumes"])
        self.write_hook(second, "10-always.json", {"always": True}, ["createRuntime"], "replaced")
        self.configure(f'[engine]\nhooks_dir = ["{first}", "{second}"]\n')
        self.assertEqual(self.marks(BUSYBOX, "true"), ["replaced"])

    def test_an_address_of_the_host_that_is_none_gets_into_no_file(self):
        self.configure('[containers]\nhost_containers_internal_ip = "192.0.2.1\\n192.0.2.66 bank.example"\n')
        done = self.engine("run", "--rm", "--network", "none", BUSYBOX, "cat", "/etc/hosts", check=False)
        self.assert_fails(done, 125, "host_containers_internal_ip")
        self.assertNotIn("bank", done.stdout)
        self.configure("")
        self.assert_no_containers()

    def test_settings_of_the_kernel_that_are_not_the_containers_are_refused(self):
        """Root would set them for the whole host."""
        for options, setting, words in (((), "kernel.core_pattern=x", "belongs to no namespace"),
                                        ((), "net/ipv4/../../kernel/core_pattern=x", "is no sysctl"),
                                        ((), "net/../kernel/core_pattern=x", "is no sysctl"),
                                        (("--network", "host"), "net.core.somaxconn=4096", "needs a network namespace"),
                                        (("--ipc", "host"), "kernel.shmmni=4096", "needs a ipc namespace")):
            with self.subTest(setting=setting):
                done = self.engine("run", "--network", "none", *options, "--sysctl", setting, BUSYBOX, "true", check=False)
                self.assert_fails(done, 125, words)
                self.configure(f'[containers]\ndefault_sysctls = ["{setting}"]\n')
                done = self.engine("run", "--rm", "--network", "none", *options, BUSYBOX, "true", check=False)
                self.assertEqual((done.status, words in done.stderr), (0, False) if options else (125, True), done)
                self.configure("")
        self.assert_no_containers()

    def test_an_image_cannot_make_patterns_of_hooks_end_the_engine(self):
        folder = self.dir / "hooks"
        for length, pattern, words in ((200_000, "/(sh|bash)$", "a text of more than"), (4000, "^/bin/(a|b|/)*y$", "No such file"),
                                       (60, "(a+)+y", "No such file")):
            with self.subTest(length=length):
                self.write_hook(folder, "one.json", {"commands": [pattern]}, ["createRuntime"], "matched")
                archive = self.dir / f"{length}.tar"
                busybox_image("localhost/long:latest", Entrypoint=["/bin/" + "/".join(["a" * 200] * (length // 200 + 1))[:length]]
                              ).write_archive(archive)
                self.engine("load", "-q", "-i", str(archive))
                done = self.engine("--hooks-dir", str(folder), "run", "--rm", "--network", "none", "localhost/long", check=False)
                self.assertIn(done.status, (125, 126, 127), done)
                self.assertIn(words, done.stderr)
                self.assert_no_containers()

    def test_hooks_that_cannot_be_meant_name_their_file(self):
        folder = self.dir / "hooks"
        good = {"version": "1.0.0", "hook": {"path": "/bin/true"}, "when": {"always": True}, "stages": ["poststart"]}
        folder.mkdir()
        for wrong, words in (({"version": "2.0"}, "is not 1.0.0"), ({"stages": ["never"]}, "has a stage"),
                             ({"hook": {"path": "/does/not/exist"}}, '"/does/not/exist"'),
                             ({"hook": {"path": "relative"}}, "is not an absolute path"),
                             ({"when": {"commands": ["("]}}, "is not a pattern")):
            with self.subTest(wrong=wrong):
                (folder / "one.json").write_text(json.dumps({**good, **wrong}))
                done = self.engine("--hooks-dir", str(folder), "run", "--network", "none", BUSYBOX, "true", check=False)
                self.assertEqual(done.status, 125)
                self.assertIn("one.json", done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(self.engine("ps", "-aq").stdout, "")
