"""Quadlet files under systemd: units of every kind are sound, jobs are done, mistakes are told."""

import os

from host_test import IS_ROOT
from units_test import GENERATOR, QUADLETS, UnitsTest

# The loop ends at once when it is asked to, so that stopping forty of them takes no patience.
IDLE = "sh -c 'trap \"exit 0\" TERM; while true; do sleep 0.1; done'"

# (lines of [Container], what to run inside, what that prints). {dir} is a folder of the test.
KINDS = {
    "plain": ("", "echo ok", "ok"),
    "environment": ("Environment=A=1 \"B=two words\"", "echo $A-$B", "1-two words"),
    "reset": ("Environment=A=1\nEnvironment=\nEnvironment=B=2", "echo \"<$A>$B\"", "<>2"),
    "continued": ("Environment=A=1 \\\n  # a comment\n  B=2", "echo $A$B", "12"),
    "specifier": ("Environment=UNIT=%n", "echo $UNIT", "q-specifier.service"),
    "environmentfile": ("EnvironmentFile={dir}/env", "echo $FROM_FILE", "file"),
    "hostname": ("HostName=box.example", "hostname", "box.example"),
    "user": ("User=12", "id -u", "12"),
    "usergroup": ("User=12\nGroup=34", "id -g", "34"),
    "groupadd": ("GroupAdd=77", "id -G", "0 77"),
    "workdir": ("WorkingDir=/tmp", "pwd", "/tmp"),
    "readonly": ("ReadOnly=yes", "touch /x 2>/dev/null || echo refused", "refused"),
    "readonlytmpfs": ("ReadOnly=yes\nReadOnlyTmpfs=yes", "touch /tmp/x && echo written", "written"),
    "tmpfs": ("Tmpfs=/work:size=1m", "touch /work/x && stat -f -c %T /work", "tmpfs"),
    "volume": ("Volume={dir}/shared:/shared:ro", "cat /shared/file", "shared"),
    "mount": ("Mount=type=bind,source={dir}/shared,destination=/m", "cat /m/file", "shared"),
    "namedvolume": ("Volume=q-data.volume:/data", "touch /data/x && ls /data", "x"),
    "anonymous": ("Volume=/anon", "touch /anon/x && echo written", "written"),
    "dropcap": ("DropCapability=all", "grep CapEff /proc/self/status | cut -f2", "0000000000000000"),
    "addcap": ("DropCapability=all\nAddCapability=CAP_KILL CAP_CHOWN", "grep CapEff /proc/self/status | cut -f2",
               "0000000000000021"),
    "nonewprivileges": ("NoNewPrivileges=true", "grep NoNewPrivs /proc/self/status | cut -f2", "1"),
    "seccomp": ("SeccompProfile=unconfined", "grep Seccomp: /proc/self/status | cut -f2", "0"),
    "init": ("RunInit=true", "echo ok", "ok"),
    "ulimit": ("Ulimit=nofile=100:200", "ulimit -n", "100"),
    "sysctl": ("Sysctl=net.ipv4.ip_forward=1", "cat /proc/sys/net/ipv4/ip_forward", "1"),
    "addhost": ("AddHost=peer:192.0.2.7", "grep -c 192.0.2.7 /etc/hosts", "1"),
    "dns": ("DNS=192.0.2.53", "cat /etc/resolv.conf", "nameserver 192.0.2.53"),
    "shm": ("ShmSize=2m", "stat -f -c %b /dev/shm", "512"),
    "timezone": ("Timezone=local", "echo ok", "ok"),
    "label": ("Label=a=b \"c=d e\"", "echo ok", "ok"),
    "annotation": ("Annotation=a=b", "echo ok", "ok"),
    "containername": ("ContainerName=q-by-name", "echo ok", "ok"),
    "secret": ("Secret=q-secret", "cat /run/secrets/q-secret", "hidden"),
    "mask": ("Mask=/proc/version", "cat /proc/version", ""),
    "unmask": ("Unmask=ALL", "echo ok", "ok"),
    "cgroups": ("CgroupsMode=no-conmon", "echo ok", "ok"),
    "podmanargs": ("PodmanArgs=--env X=1 \"--env=Y=a b\"", "echo $X$Y", "1a b"),
    "globalargs": ("GlobalArgs=--log-level=info", "echo ok", "ok"),
    "logs": ("LogDriver=none", "echo ok", "ok"),
    "stopsignal": ("StopSignal=TERM\nStopTimeout=5", "echo ok", "ok"),
    "hostnetwork": ("Network=host", "echo ok", "ok"),
    "entrypoint": ("Entrypoint=/bin/sh", "echo ok", "ok"),
    "usernsmap": ("UserNS=host", "id -u", "0"),
}


class QuadletTest(UnitsTest):
    def setUp(self):
        super().setUp()
        (self.dir / "shared").mkdir()
        (self.dir / "shared/file").write_text("shared\n")
        (self.dir / "env").write_text("# comment\nFROM_FILE=file\n")
        self.assertTrue(os.path.exists(GENERATOR), GENERATOR)

    def quadlet(self, name, lines="", exec_line=f"Exec={IDLE}", rest=""):
        network = "" if "Network=" in lines else "Network=none\n"
        self.write(QUADLETS, f"q-{name}.container",
                   f"[Container]\nRootfs={self.rootfs}\n{network}{lines}\n{exec_line}\n{rest}")

    def test_a_job_is_done_when_its_unit_is(self):
        self.quadlet("job", f"Volume={self.dir}/shared:/shared", "Exec=touch /shared/done",
                     "[Service]\nType=oneshot\nRemainAfterExit=yes\n")
        self.systemctl("daemon-reload")
        self.start_units("q-job.service")
        self.assertTrue((self.dir / "shared/done").exists())
        self.assert_active("q-job.service")

    def test_what_is_wrong_is_told_and_makes_no_unit(self):
        self.quadlet("wrong", "NoSuchKey=1")
        result = self.call(GENERATOR, "--dryrun", check=False)
        self.assertEqual(result.status, 1)
        self.assertIn(f"{QUADLETS}/q-wrong.container:4: unsupported key \"NoSuchKey\" in [Container]", result.stderr)
        self.systemctl("daemon-reload")
        self.assertEqual(self.show("q-wrong.service", "LoadState"), "not-found")

    def test_all_generated_units_verify(self):
        for kind, (lines, _, _) in KINDS.items():
            self.quadlet(kind, lines.format(dir=self.dir))
        for name, text in (("q-data.volume", "[Volume]\n"), ("q-net.network", "[Network]\n"),
                           ("q-image.image", "[Image]\nImage=quay.io/x\n"), ("q-pod.pod", "[Pod]\n"),
                           ("q-build.build", "[Build]\nImageTag=localhost/x\nSetWorkingDirectory=unit\n"),
                           ("q-kube.kube", "[Kube]\nYaml=/x.yaml\n")):
            self.write(QUADLETS, name, text)
        made = self.dir / "made"
        self.call(GENERATOR, made)
        units = sorted(path for path in made.iterdir() if path.name.endswith(".service"))
        self.assertEqual(len(units), len(KINDS) + 6)
        words = ["--system"] if IS_ROOT else ["--user"]
        result = self.call("systemd-analyze", *words, "--man=no", "verify", *units, check=False)
        complaints = [line for line in result.stderr.splitlines() if "/made/" in line or line.startswith("q-")]
        self.assertEqual((complaints, result.status), ([], 0), result.stderr)
