"""What users mistype: one line that begins with "Error:", at most one hint, the right status, an unchanged store."""

import json

import make_image
from engine_test import BUSYBOX, EngineTest


class BadInputTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def check(self, table):
        """Rows of (words, a part of the message); status 125 everywhere here."""
        for words, part in table:
            with self.subTest(words=words):
                self.assert_fails(self.engine(*words, check=False), 125, part)
                self.assertEqual(self.engine("ps", "-aq").stdout, "")
        self.assert_nothing_unfinished()

    def run_with(self, *options):
        return ["run", "--rm", "--network", "none", *options, BUSYBOX, "true"]

    def test_command_lines(self):
        self.check([
            (["frobnicate"], "frobnicate"),
            (["--frobnicate"], "frobnicate"),
            (["run"], "IMAGE"),
            (["run", "--rm"], "IMAGE"),
            (["run", "--frobnicate", BUSYBOX], "--frobnicate"),
            (["run", "-Z", BUSYBOX], "Z"),
            (["run", "--name"], "--name"),
            (["run", "--rm=perhaps", BUSYBOX], "perhaps"),
            (["run", "--pull", "sometimes", BUSYBOX], "sometimes"),
            (["pull"], "IMAGE"),
            (["pull", "--policy=often", BUSYBOX], "often"),
            (["pull", "--retry=many", BUSYBOX], "many"),
            (["exec"], "CONTAINER"),
            (["exec", "nobody"], "COMMAND"),
            (["exec", "nobody", "true"], "nobody"),
            (["start"], "CONTAINER"),
            (["start", "nobody"], "nobody"),
            (["stop", "nobody"], "nobody"),
            (["kill", "nobody"], "nobody"),
            (["kill", "--signal", "SIGFROB", "nobody"], "SIGFROB"),
            (["wait", "nobody"], "nobody"),
            (["logs", "nobody"], "nobody"),
            (["logs", "--tail", "all of it", "nobody"], "all of it"),
            (["inspect", "nobody"], "nobody"),
            (["tag", "localhost/absent", "localhost/b"], "absent"),
            (["tag", BUSYBOX, "UPPER/CASE"], "UPPER"),
            (["ps", "--filter", "color=red"], "color"),
            (["ps", "--filter", "status"], "status"),
            (["ps", "--sort", "beauty"], "beauty"),
            (["images", "--frobnicate"], "--frobnicate"),
            (["--storage-driver", "zfs", "ps"], "zfs"),
            (["--log-level", "loud", "ps"], "loud"),
        ])

    def test_references(self):
        self.check([
            (["pull", "-q", reference], part) for reference, part in [
                ("", ""), ("UPPER", "UPPER"), ("a//b", "a//b"), ("name:", "name:"), ("name:tag:tag", "name:tag:tag"),
                ("name@sha256:12", "sha256:12"), ("name@md5:" + "0" * 32, "md5"), ("/name", "/name"),
                ("name:-tag", "-tag"),
                ("host:port/name", "host:port"), ("na me", "na me"), ("name:" + "t" * 200, "t" * 60), ("-", "-"),
                ("http://127.0.0.1/name", "http"), ("docker://", "docker"), ("floppy:/name", "floppy"),
                ("oci:/does/not/exist", "/does/not/exist"), ("oci-archive:/does/not/exist", "/does/not/exist"),
                ("docker-archive:/does/not/exist", "/does/not/exist"), ("oci-archive:/etc/passwd", "/etc/passwd"),
                ("docker-archive:/etc/passwd", "/etc/passwd"), ("oci:/etc", "/etc"), ("oci-archive:", "")]])

    def test_values_of_run(self):
        missing = str(self.dir / "missing")
        self.check([
            (self.run_with("--name", "-dash"), "-dash"),
            (self.run_with("--name", "a b"), "a b"),
            (self.run_with("--name", "../up"), "../up"),
            (self.run_with("-e", "=x"), "=x"),
            (self.run_with("--env-file", missing), missing),
            (self.run_with("-w", "relative"), "relative"),
            (self.run_with("-u", "nosuchuser"), "nosuchuser"),
            (self.run_with("-u", "0:nosuchgroup"), "nosuchgroup"),
            (self.run_with("-u", "99999999999"), "99999999999"),
            (self.run_with("-u", "-1"), "-1"),
            (self.run_with("-v", f"{missing}:/a"), missing),
            (self.run_with("-v", "/etc:relative"), "relative"),
            (self.run_with("-v", "/etc:/a:frob"), "frob"),
            (self.run_with("-v", "/etc:/a:ro:rw:x"), "/etc:/a"),
            (self.run_with("-v", ""), ""),
            (self.run_with("--mount", "type=frob,target=/a"), "frob"),
            (self.run_with("--mount", "type=bind,target=/a"), "source"),
            (self.run_with("--mount", "type=bind,source=/etc"), "destination"),
            (self.run_with("--mount", "type=bind,source=/etc,target=/a,frob=1"), "frob"),
            (self.run_with("--mount", f"type=bind,source={missing},target=/a"), missing),
            (self.run_with("--tmpfs", "relative"), "relative"),
            (self.run_with("--tmpfs", "/a:frob=1"), "frob"),
            (self.run_with("--hostname", "x" * 70), "x" * 20),
            (self.run_with("--cap-add", "CAP_FROB"), "FROB"),
            (self.run_with("--cap-drop", "frob"), "frob"),
            (self.run_with("--security-opt", "frob=1"), "frob"),
            (self.run_with("--security-opt", f"seccomp={missing}"), missing),
            (self.run_with("--network", "frob"), "frob"),
            (self.run_with("--ulimit", "frob=1"), "frob"),
            (self.run_with("--ulimit", "nofile=5:1"), "nofile"),
            (self.run_with("--shm-size", "big"), "big"),
            (self.run_with("--stop-signal", "SIGFROB"), "SIGFROB"),
            (self.run_with("--stop-timeout", "soon"), "soon"),
            (self.run_with("--label-file", missing), missing),
            (self.run_with("--platform", "not a platform"), "not a platform"),
            (self.run_with("--detach-keys", "ctrl-frob"), "frob"),
            (self.run_with("--log-driver", "pigeon"), "pigeon"),
            (self.run_with("--sysctl", "frob"), "frob"),
            (["run", "--rm", "--network", "none", "--rootfs", missing, "true"], missing),
            (["run", "--rm", "--network", "none", "--rootfs", "/etc/passwd", "true"], "/etc/passwd"),
        ])

    def test_files_that_are_there_already_or_broken(self):
        taken = self.dir / "taken"
        taken.write_text("something")
        broken = self.dir / "broken"
        broken.write_text("{")
        variables = self.dir / "variables"
        variables.write_text("FINE=1\n=broken\n")
        self.check([
            (self.run_with("--cidfile", str(taken)), str(taken)),
            (self.run_with("--security-opt", f"seccomp={broken}"), str(broken)),
            (self.run_with("--env-file", str(variables)), str(variables)),
        ])
        self.assertEqual(taken.read_text(), "something")

    def test_broken_archives(self):
        image = make_image.Image("localhost/x:1").add_layer(make_image.tar_of([("file", b"x")]))
        image.write_archive(self.dir / "whole.tar")
        whole = (self.dir / "whole.tar").read_bytes()
        for name, data in (("empty", b""), ("short", whole[:1700]), ("noise", b"noise" * 1000),
                           ("zeroes", bytes(10240))):
            path = self.dir / name
            path.write_bytes(data)
            self.check([(["pull", "-q", f"oci-archive:{path}"], str(path)),
                        (["pull", "-q", f"docker-archive:{path}"], str(path))])

    def test_layouts_with_wrong_parts(self):
        def layout(name, change):
            directory = self.dir / name
            make_image.Image("localhost/x:1").add_layer(make_image.tar_of([("file", b"x")])).write_layout(directory)
            change(directory)
            return f"oci:{directory}"

        def write(path, value):
            path.write_text(value if isinstance(value, str) else json.dumps(value))
        self.check([(["pull", "-q", layout(name, change)], part) for name, part, change in [
            ("no-index", "index.json", lambda at: (at / "index.json").unlink()),
            ("no-marker", "oci-layout", lambda at: (at / "oci-layout").unlink()),
            ("version", "9.0.0", lambda at: write(at / "oci-layout", {"imageLayoutVersion": "9.0.0"})),
            ("not-json", "index.json", lambda at: write(at / "index.json", "{")),
            ("not-an-object", "index.json", lambda at: write(at / "index.json", [])),
            ("no-manifests", "", lambda at: write(at / "index.json", {"schemaVersion": 2, "manifests": []})),
            ("no-blobs", "sha256", lambda at: [blob.unlink() for blob in (at / "blobs/sha256").iterdir()] and None),
            ("deep", "index.json", lambda at: write(at / "index.json", "[" * 100000)),
        ]])

    def test_broken_stores(self):
        (self.root / "format").write_text("engine-store 999\n")
        self.assert_fails(self.engine("ps", check=False), 125, "999")
        (self.root / "format").write_text("engine-store 1\n")
        foreign = self.dir / "foreign"
        (foreign / "overlay-images").mkdir(parents=True)
        (foreign / "overlay-layers").mkdir()
        (foreign / "storage.lock").write_text("")
        result = self.engine("--root", str(foreign), "images", check=False)
        self.assert_fails(result, 125, str(foreign))
        not_a_folder = self.dir / "file"
        not_a_folder.write_text("")
        self.assert_fails(self.engine("--root", str(not_a_folder), "images", check=False), 125, str(not_a_folder))
