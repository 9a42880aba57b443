"""Logging in and out: where credentials are kept, who is asked, and that nobody else sees them."""

import base64
import json
import signal
import subprocess
from pathlib import Path

from terminal import Terminal
from test_pull import RealRegistryTest, small_image
from token_server import TokenServer


class PrivateRegistryTest(RealRegistryTest):
    """Helpers; the registry knows ann, and wants to."""

    def setUp(self):
        super().setUp()
        passwords = self.dir / "htpasswd"
        passwords.write_text(subprocess.run(["htpasswd", "-Bbn", "ann", "s3cret"], check=True, text=True,
                                            stdout=subprocess.PIPE).stdout)
        self.registry = self.start_registry("private", htpasswd=passwords)
        self.auth_file = self.dir / "containers/auth.json"  # XDG_RUNTIME_DIR

    def login(self, *words, check=True, **options):
        return self.engine("login", *self.trust(), *words, check=check, **options)

    def log_in(self, *words):
        return self.login("-u", "ann", "--password-stdin", *(words or [self.registry.name]), input="s3cret\n")

    def kept(self, file=None):
        auths = json.loads((file or self.auth_file).read_text())["auths"]
        return {key: base64.b64decode(entry["auth"]).decode() for key, entry in auths.items()}


class LoginTest(PrivateRegistryTest):
    def test_a_login_is_kept_and_used_and_forgotten(self):
        self.engine("pull", "-q", self.archive(small_image()))
        name = f"{self.registry.name}/app:1"
        self.assertEqual(self.log_in().stdout, "Login Succeeded!\n")
        self.assertEqual(self.kept(), {self.registry.name: "ann:s3cret"})
        self.assertEqual(self.auth_file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.login("--get-login", self.registry.name).stdout, "ann\n")
        self.engine("push", "-q", *self.trust(), "localhost/small", name)
        self.pull("app:1", "-q")
        self.tool("skopeo", "inspect", f"--cert-dir={self.trust()[1]}", "--authfile", self.auth_file, f"docker://{name}")

        gone = self.engine("logout", self.registry.name).stdout
        self.assertEqual(gone, f"Removed login credentials for {self.registry.name}\n")
        self.assertEqual(self.kept(), {})
        self.assert_fails(self.engine("logout", self.registry.name, check=False), 125, "not logged into")
        self.assert_fails(self.login("--get-login", self.registry.name, check=False), 125, "not logged into")
        self.assert_fails(self.pull("app:1", "-q", check=False), 125, "login")

    def test_the_pull_for_a_new_container_has_the_logins_of_config(self):
        self.log_in()
        self.engine("pull", "-q", self.archive(small_image()))
        name = f"{self.registry.name}/app:1"
        self.engine("push", "-q", *self.trust(), "localhost/small", name)
        folder = self.dir / "logins"
        folder.mkdir()
        self.auth_file.rename(folder / "config.json")
        create = ["create", "-q", *self.trust(), "--network", "none", name, "/x"]
        self.assert_fails(self.engine(*create, check=False), 125, "login")
        self.engine("--config", folder, *create)

    def test_wrong_credentials_are_not_kept(self):
        self.log_in()
        result = self.login("-u", "ann", "-p", "wr0ng", self.registry.name, check=False)
        self.assert_fails(result, 125, "invalid username/password")
        self.assertNotIn("wr0ng", result.stderr)
        self.assertEqual(self.kept(), {self.registry.name: "ann:s3cret"})

    def test_a_login_that_is_there_is_checked(self):
        self.log_in()
        again = self.login(self.registry.name)
        self.assertIn("Existing credentials are valid", again.stdout)
        (self.auth_file).write_text(json.dumps({"auths": {self.registry.name: {"auth": "YW5uOm9sZA=="}}}))
        result = self.login(self.registry.name, check=False)
        self.assertIn("Existing credentials are invalid", result.stdout)
        self.assertEqual(result.status, 125, result)  # there is nobody to ask

    def test_a_part_of_a_registry_has_a_login_of_its_own(self):
        part = f"{self.registry.name}/team"
        self.log_in(part)
        self.assertEqual(self.kept(), {part: "ann:s3cret"})
        self.engine("pull", "-q", self.archive(small_image()))
        self.engine("push", "-q", *self.trust(), "localhost/small", f"{part}/app:1")
        refused = self.engine("push", "-q", *self.trust(), "localhost/small", f"{self.registry.name}/other:1",
                              check=False)
        self.assert_fails(refused, 125, "denied")

    def test_two_logins_at_once_are_both_kept(self):
        """Four processes; each reads the file, and writes it with one login more."""
        names = [self.registry.name] + [f"{self.registry.name}/team{number}" for number in range(3)]
        trust = self.trust()
        processes = [self.start_engine("login", *trust, "-u", "ann", "-p", "s3cret", name) for name in names]
        for process in processes:
            self.assertEqual(process.wait(60), 0, process.stderr.read())
        self.assertEqual(self.kept(), dict.fromkeys(names, "ann:s3cret"))

    def test_a_file_that_cannot_be_read_or_is_damaged_is_not_replaced(self):
        file = self.dir / "damaged.json"
        for text in ('{"auths": {"other.example": {"auth": "YTpi"}', '[]', "not json at all"):
            file.write_text(text)
            result = self.login("-u", "ann", "-p", "s3cret", "--authfile", file, self.registry.name, check=False)
            self.assert_fails(result, 125, "damaged.json", "hint: repair or remove")
            self.assert_fails(self.engine("logout", "--all", "--authfile", file, check=False), 125, "hint: repair")
            self.assertEqual(file.read_text(), text)
        file.chmod(0)
        result = self.login("-u", "ann", "-p", "s3cret", "--authfile", file, self.registry.name, check=False)
        self.assert_fails(result, 125, "cannot be read", "hint: make it readable")
        file.chmod(0o600)
        self.assertEqual(file.read_text(), "not json at all")

    def test_files_can_be_named(self):
        mine, dockers = self.dir / "mine.json", self.dir / "config.json"
        dockers.write_text('{"psFormat": "x"}')
        self.log_in("--authfile", "mine.json", self.registry.name)
        self.log_in("--compat-auth-file", dockers, self.registry.name)
        self.assertEqual(self.kept(mine), self.kept(dockers))
        self.assertEqual(json.loads(dockers.read_text())["psFormat"], "x")
        self.assertFalse(self.auth_file.exists())
        by_environment = self.dir / "environment.json"
        self.login("-u", "ann", "-p", "s3cret", self.registry.name, env={"REGISTRY_AUTH_FILE": str(by_environment)})
        self.assertEqual(self.kept(by_environment), {self.registry.name: "ann:s3cret"})
        self.engine("logout", "--all", "--authfile", mine)
        self.assertEqual(self.kept(mine), {})

    def test_a_login_of_docker_is_read_but_not_changed(self):
        config = self.home / ".docker/config.json"
        config.parent.mkdir()
        config.write_text(json.dumps({"auths": {self.registry.name: {"auth": "YW5uOnMzY3JldA=="}}}))
        self.assertEqual(self.login("--get-login", self.registry.name).stdout, "ann\n")
        self.assert_fails(self.engine("logout", self.registry.name, check=False), 125, "not logged into", "docker")
        self.assertEqual(self.kept(config), {self.registry.name: "ann:s3cret"})

    def test_somebody_at_a_terminal_is_asked(self):
        terminal = Terminal(self, "login", *self.trust(), self.registry.name)
        terminal.expect("Username: ")
        terminal.send("ann\n")
        terminal.expect("Password: ")
        terminal.send("s3crex\x7ft\n")
        self.assertEqual(terminal.end(), 0, terminal.shown)
        self.assertIn("Login Succeeded!", terminal.shown)
        self.assertNotIn("s3cr", terminal.shown)
        terminal.assert_restored()
        self.assertEqual(self.kept(), {self.registry.name: "ann:s3cret"})

    def test_a_terminal_shows_again_what_is_typed_after_an_interrupt(self):
        terminal = Terminal(self, "login", "-u", "ann", *self.trust(), self.registry.name)
        terminal.expect("Password: ")
        terminal.send("s3c\x03")
        self.assertEqual(terminal.end(), 130, terminal.shown)
        terminal.assert_restored()

    def test_a_password_is_in_no_log_and_in_no_command_line(self):
        done = self.engine("--log-level", "debug", "login", "-u", "ann", "--password-stdin", *self.trust(),
                           self.registry.name, input="s3cret")
        self.assertNotIn("s3cret", done.stdout + done.stderr)
        self.assertNotIn(base64.b64encode(b"ann:s3cret").decode(), done.stdout + done.stderr)
        waiting = self.start_engine("login", "-u", "ann", "--password-stdin", *self.trust(), self.registry.name,
                                    stdin=subprocess.PIPE)
        waiting.stdin.write("s3cret")
        waiting.stdin.flush()
        line = Path(f"/proc/{waiting.pid}/cmdline").read_bytes()
        self.assertNotIn(b"s3cret", line)
        waiting.send_signal(signal.SIGKILL)

    def test_what_cannot_be_meant_is_refused(self):
        for words, part in ((["--password-stdin"], "--username"),
                            (["-u", "a", "-p", "b", "--password-stdin"], "--password-stdin"),
                            (["--authfile", "a", "--compat-auth-file", "b"], "excludes")):
            with self.subTest(words=words):
                self.assert_fails(self.login(*words, self.registry.name, check=False), 125, part)
        self.assert_fails(self.login("-u", "a", "-p", "b", "nodots", check=False), 125, "names no registry")
        self.assert_fails(self.engine("logout", "--all", "a.io", check=False), 125, "--all")


class TokenLoginTest(RealRegistryTest):
    def test_a_registry_with_a_token_server(self):
        tokens = TokenServer(self.dir, self.certificates, {"ann": ("s3cret", ("pull", "push"))})
        self.addCleanup(tokens.stop)
        self.registry = self.start_registry("guarded", auth_lines=tokens.registry_lines())
        words = ["login", *self.trust(), "-u", "ann", "--password-stdin", self.registry.name]
        self.assert_fails(self.engine(*words, input="wrong", check=False), 125, "invalid username/password")
        self.engine(*words, input="s3cret")
        self.assertEqual(tokens.asked[-1], ("GET", "ann", []))
        self.engine("pull", "-q", self.archive(small_image()))
        self.engine("push", "-q", *self.trust(), "localhost/small", f"{self.registry.name}/team/app:1")


HELPER = """#!/usr/bin/python3
import json, os, sys
path = os.path.join(os.environ["HOME"], "secrets.json")
kept = json.load(open(path)) if os.path.exists(path) else {}
text = sys.stdin.read().strip()
if sys.argv[1] == "store":
    entry = json.loads(text)
    kept[entry["ServerURL"]] = entry
elif sys.argv[1] == "list":
    print(json.dumps({server: entry["Username"] for server, entry in kept.items()}))
elif text not in kept:
    print("credentials not found in native keychain")
    sys.exit(1)
elif sys.argv[1] == "get":
    print(json.dumps(kept[text]))
else:
    del kept[text]
json.dump(kept, open(path, "w"))
"""


class HelperTest(PrivateRegistryTest):
    """Credential helpers are programs of the system; here one is laid over them in a mount namespace."""

    def setUp(self):
        super().setUp()
        folder = self.dir / "programs"
        folder.mkdir()
        (folder / "docker-credential-enginetest").write_text(HELPER)
        (folder / "docker-credential-enginetest").chmod(0o755)
        self.inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                       'mount --bind "$0" /usr/local/bin && exec "$@"', folder]
        if self.tool(*self.inside, "true", check=False).status != 0:
            self.skipTest("no mount namespace can be made here")

    def with_helper(self, *words, input=None, check=True):
        return self.tool(*self.inside, *self.command(*words), input=input, check=check)

    def secrets(self):
        return json.loads((self.home / "secrets.json").read_text())

    def test_the_helper_of_a_registry_keeps_its_login(self):
        file = self.dir / "auth.json"
        file.write_text(json.dumps({"credHelpers": {self.registry.name: "enginetest"}}))
        words = ["--authfile", file, self.registry.name]
        login = ["login", *self.trust(), "--verbose", "-u", "ann", "--password-stdin", *words]
        self.assertIn("credential helper enginetest", self.with_helper(*login, input="s3cret").stdout)
        self.assertEqual(self.secrets()[self.registry.name]["Secret"], "s3cret")
        self.assertNotIn("auth\"", file.read_text())
        self.assertEqual(self.with_helper("login", "--get-login", *words).stdout, "ann\n")
        self.registry.push("app", "1", small_image(), {"Authorization": "Basic YW5uOnMzY3JldA=="})
        self.with_helper("digest", *self.trust(), "--authfile", file, f"{self.registry.name}/app:1")
        self.with_helper("logout", *words)
        self.assertEqual(self.secrets(), {})
        self.assertEqual(self.with_helper("login", "--get-login", *words, check=False).status, 125)

    def test_registries_conf_can_name_the_helper_of_all(self):
        folder = self.home / ".config/containers"
        folder.mkdir(parents=True)
        (folder / "registries.conf").write_text('credential-helpers = ["enginetest"]\n')
        self.with_helper("login", *self.trust(), "-u", "ann", "--password-stdin", self.registry.name, input="s3cret")
        self.assertEqual(list(self.secrets()), [self.registry.name])
        self.with_helper("logout", "--all")
        self.assertEqual(self.secrets(), {})
