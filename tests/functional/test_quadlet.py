"""Quadlet files without systemd: what the generators write, and the commands that install the files."""

import http.server
import os
import subprocess
import threading

from engine_test import ENGINE, EngineTest


class QuadletTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.quadlets = self.dir / "quadlets"
        self.quadlets.mkdir()
        for kind in ("user", "system"):
            (self.dir / f"engine-{kind}-generator").symlink_to(ENGINE)

    def write(self, name, text):
        path = self.quadlets / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def generate(self, *words, kind="user", env=None):
        return subprocess.run([self.dir / f"engine-{kind}-generator", *words], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "QUADLET_UNIT_DIRS": str(self.quadlets), **(env or {})})

    def test_services_and_links_are_written(self):
        self.write("web.container", "[Container]\nImage=img\n[Install]\nWantedBy=default.target\nAlias=www.service\n")
        self.write("below/data.volume", "[Volume]\n")
        out = self.dir / "out"
        done = self.generate("--no-kmsg-log", str(out), str(out), str(out))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(sorted(path.name for path in out.iterdir()),
                         ["data-volume.service", "default.target.wants", "web.service", "www.service"])
        self.assertEqual(os.readlink(out / "default.target.wants/web.service"), "../web.service")
        self.assertEqual(os.readlink(out / "www.service"), "web.service")
        self.assertEqual((out / "web.service").stat().st_mode & 0o777, 0o644)
        text = (out / "web.service").read_text()
        self.assertIn(f"ExecStart={os.path.realpath(ENGINE)} run ", text)
        self.assertIn(f"SourcePath={self.quadlets}/web.container\n", text)
        self.assertIn("engine-user-wait-network-online.service", text)
        self.assertIn("After=network-online.target\n", self.generate("-dryrun", kind="system").stdout)
        self.assertIn("engine-user-wait", self.generate("-dryrun", "-user", kind="system").stdout)

    def test_drop_ins_are_merged_from_the_general_to_the_special(self):
        self.write("a-b.container", "[Container]\nImage=img\nEnvironment=A=base\n")
        self.write("container.d/10.conf", "[Container]\nEnvironment=A=general B=general\n")
        self.write("container.d/20.conf", "[Container]\nEnvironment=C=hidden\n")
        self.write("a-.container.d/20.conf", "[Container]\nEnvironment=C=prefix\n")
        self.write("a-b.container.d/30.conf", "[Container]\nEnvironment=B=special\n")
        self.write("a-b.container.d/ignored.txt", "[Container]\nEnvironment=D=1\n")
        line = next(line for line in self.generate("--dryrun").stdout.splitlines() if line.startswith("ExecStart="))
        self.assertIn(" --env=A=general --env=B=special --env=C=prefix img", line)

    def test_the_first_folder_counts_and_links_are_followed(self):
        self.write("one/web.container", "[Container]\nImage=first\n")
        self.write("two/web.container", "[Container]\nImage=second\n")
        self.write("two/job@.container", "[Container]\nImage=job\n")
        (self.quadlets / "two/job@x.container").symlink_to("job@.container")
        places = {"QUADLET_UNIT_DIRS": f"{self.quadlets}/one:{self.quadlets}/two"}
        text = self.generate("--dryrun", env=places).stdout
        self.assertIn(" first\n", text)
        self.assertNotIn(" second\n", text)
        self.assertIn("---job@x.service---", text)

    def test_what_is_wrong_is_told_line_by_line_and_the_rest_is_made(self):
        self.write("bad.container", "[Container]\nImage=img\nFoo=1\nBar=1\n")
        self.write("broken.volume", "[Volume\n")
        self.write("lonely.container", "[Container]\nImage=img\nVolume=no.volume:/x\n")
        self.write("good.container", "[Container]\nImage=img\n")
        done = self.generate("--dryrun")
        self.assertEqual(done.returncode, 1)
        told = [line.split(": ", 1)[1] for line in done.stderr.splitlines()]
        self.assertEqual(sorted(told), [
            f'{self.quadlets}/bad.container:3: unsupported key "Foo" in [Container]',
            f'{self.quadlets}/bad.container:4: unsupported key "Bar" in [Container]',
            f'{self.quadlets}/broken.volume:1: not a section: "[Volume"',
            f'{self.quadlets}/lonely.container:3: Volume=: there is no file "no.volume"'])
        self.assertIn("---good.service---", done.stdout)
        self.assertNotIn("---bad.service---", done.stdout)

    def test_an_empty_folder_makes_nothing(self):
        out = self.dir / "out"
        done = self.generate("--no-kmsg-log", str(out))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(self.generate("--no-such-option").returncode, 125)

    def test_install_list_print_and_rm(self):
        source = self.write("web.container", "[Container]\nImage=img\nPod=p.pod\n")
        self.write("web.env", "A=1\n")
        home = {"XDG_CONFIG_HOME": str(self.dir / "config"), "HOME": str(self.dir)}
        folder = self.dir / "config/containers/systemd"
        done = self.engine("quadlet", "install", "--reload-systemd=false", self.quadlets, env=home)
        self.assertEqual(sorted(done.stdout.split()), [f"{folder}/web.container", f"{folder}/web.env"])
        again = self.engine("quadlet", "install", "--reload-systemd=false", source, check=False, env=home)
        self.assertEqual(again.status, 125)
        self.assertIn("--replace", again.stderr)
        self.engine("quadlet", "install", "--reload-systemd=false", "--replace", source, env=home)
        listed = self.engine("quadlet", "list", "--format", "json", env=home).json()
        self.assertEqual([(row["Name"], row["UnitName"], row["Path"], row["Pod"]) for row in listed],
                         [("web.container", "web.service", f"{folder}/web.container", "p.pod")])
        self.assertEqual(self.engine("quadlet", "list", "--filter", "name=x*", "-n", env=home).stdout, "")
        self.assertEqual(self.engine("quadlet", "print", "web.container", env=home).stdout, source.read_text())
        self.engine("quadlet", "rm", "--reload-systemd=false", "web.container", env=home)
        self.assertFalse((folder / "web.container").exists())
        self.assertEqual(self.engine("quadlet", "rm", "web.container", check=False, env=home).status, 125)
        self.assertEqual(self.engine("quadlet", "rm", "--ignore", "web.container", env=home).stdout, "")

    def serve(self, answers):
        """A server on the loopback; answers: path -> (status, headers, body). Its address, and the paths that were asked for."""
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                status, headers, body = answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except BrokenPipeError:
                    pass  # it was too much

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}", asked

    def test_install_from_a_url(self):
        text = "[Container]\nImage=img\n"
        place, asked = self.serve({
            "/web.container?raw=1": (200, {}, text.encode()), "/moved.container": (302, {"Location": "/web.container?raw=1"}, b""),
            "/wrong.container": (200, {}, b"<html>"), "/big.container": (200, {}, b"#" * (1 << 20 | 1))})
        home = {"XDG_CONFIG_HOME": str(self.dir / "config"), "HOME": str(self.dir)}
        folder = self.dir / "config/containers/systemd"

        def install(*words, check=True):
            return self.engine("quadlet", "install", "--reload-systemd=false", *words, check=check, env=home)
        for name, complaint in (("absent.container", "404"), ("wrong.container", "wrong.container:1:"), ("big.container", "1048576"),
                                ("notes.txt", "Quadlet file"), ("..container", "Quadlet file"), ("%2e%2e%2fx.container", "Quadlet file"),
                                ("web.container/", "Quadlet file")):
            done = install(f"{place}/{name}", check=False)
            self.assertEqual(done.status, 125, done)
            self.assertIn(complaint, done.stderr)
        self.assertEqual(len([line for line in done.stderr.splitlines() if line.startswith("Error: ")]), 1, done)
        self.assertEqual(asked, ["/absent.container", "/wrong.container", "/big.container"])  # nothing for a bad name
        self.assertFalse(folder.exists())
        for url in ("ftp://127.0.0.1/web.container", place.replace("http:", "https:") + "/web.container"):
            self.assertEqual(install(url, check=False).status, 125)
        done = install(f"{place}/web.container?raw=1", f"{place}/moved.container")
        self.assertEqual(done.stdout.split(), [f"{folder}/web.container", f"{folder}/moved.container"])
        self.assertIn("not encrypted", done.stderr)
        again = place.replace("http:", "HTTP:") + "/web.container?raw=1"
        self.assertIn("not encrypted", install("--replace", again).stderr)
        for name in ("web", "moved"):
            self.assertEqual((folder / f"{name}.container").read_text(), text)

    def test_nothing_is_installed_when_one_file_is_wrong(self):
        self.write("good.container", "[Container]\nImage=img\n")
        self.write("wrong.container", "Image=img\n")
        home = {"XDG_CONFIG_HOME": str(self.dir / "config"), "HOME": str(self.dir)}
        done = self.engine("quadlet", "install", "--reload-systemd=false", self.quadlets, check=False, env=home)
        self.assertEqual(done.status, 125)
        self.assertIn("wrong.container:1:", done.stderr)
        self.assertFalse((self.dir / "config/containers").exists())
        text = self.write("notes.txt", "x")
        self.assertIn("none of these is a Quadlet file",
                      self.engine("quadlet", "install", text, check=False, env=home).stderr)
