"""The recipes of engine-ci(7), as they stand there: each parses, passes in a job that has nothing, and leaves nothing."""

import os
import re
import shutil
import signal
import subprocess
import textwrap
from pathlib import Path

import make_image
import yaml
from engine_test import ENGINE, PATIENCE_SECONDS, wait_until
from make_image import sha256
from test_login import PrivateRegistryTest

HERE = Path(__file__).resolve().parent
PAGE = next(path for path in (HERE / "engine-ci.7.md", HERE.parents[1] / "man/engine-ci.7.md") if path.exists())
PASSWORD, TOKEN = "s3cret", "t0ken-of-the-job"
SECRETS = {"REGISTRY_USER": "ann", "REGISTRY_PASSWORD": PASSWORD, "TOKEN": TOKEN}
PASSES = f'test "$TOKEN" = {TOKEN} && test "$PWD" = /work && touch passed && echo tests passed\n'


def section(heading):
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S)[1]


def recipe(heading):
    """The first literal block below the heading."""
    return textwrap.dedent(re.search(r"(?:^    .*\n)+", section(heading), re.M)[0])


def github_job():
    job = yaml.safe_load(recipe("GITHUB ACTIONS"))["jobs"]["test"]
    return job, {step["name"]: step for step in job["steps"] if "run" in step}


def jenkins_scripts():
    """What Groovy makes of the texts in three quotes."""
    return [body.replace("\\\n", "") for body in re.findall(r"sh '''\n(.*?)'''", recipe("JENKINS"), re.S)]


class RecipeTest(PrivateRegistryTest):
    def setUp(self):
        super().setUp()
        self.project, self.temporary = self.dir / "project", self.dir / "temporary"
        for folder in (self.project, self.temporary):
            folder.mkdir()
        self.runroot = self.dir / "engine"  # what XDG_RUNTIME_DIR gives
        trusted = self.home / ".config/containers/certs.d" / self.registry.name
        trusted.mkdir(parents=True)
        shutil.copy(self.certificates[0], trusted / "ca.crt")
        self.image = self.guest_image()
        self.registry.push("team/app", "1", self.image, {"Authorization": "Basic YW5uOnMzY3JldA=="})
        (self.project / "run-tests").write_text(PASSES)
        self.password_file = self.temporary / "password"
        self.password_file.write_text(PASSWORD)
        self.environment["PATH"] = f"{Path(ENGINE).parent}:{self.environment['PATH']}"

    def place(self, named):
        """The variables of a recipe, with this test's registry and store."""
        ours = {"IMAGE": f"{self.registry.name}/team/app:1", "REGISTRY": self.registry.name, "STORE": str(self.root)}
        return {name: ours.get(name, value) for name, value in named.items()}

    def sandboxed(self, words):
        """Neither newuidmap, /dev/fuse, /dev/net/tun nor a cgroup."""
        return ["bwrap", "--unshare-all", "--share-net", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
                "--bind", str(self.dir), str(self.dir), "--chdir", str(self.project), *words]

    def start(self, words, variables):
        return subprocess.Popen(words, cwd=self.project, env={**self.environment, **variables}, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def run_script(self, script, variables, shell=("bash", "-e"), sandboxed=True):
        words = [*shell, "-c", script]
        job = self.start(self.sandboxed(words) if sandboxed else words, variables)
        output = job.communicate(timeout=PATIENCE_SECONDS)[0]
        self.assertEqual(job.returncode, 0, f"{script}\n{output}")
        for secret in (PASSWORD, TOKEN):
            self.assertNotIn(secret, output)
        return output

    def run_github_step(self, name, sandboxed=True):
        job, steps = github_job()
        named = {**job["env"], **steps[name].get("env", {})}
        secrets = {name: SECRETS[re.fullmatch(r"\$\{\{ secrets\.(\w+) \}\}", value)[1]]
                   for name, value in named.items() if "${{" in value}
        variables = {**self.place(named), **secrets, "RUNNER_TEMP": str(self.temporary)}
        return self.run_script(steps[name]["run"], variables, sandboxed=sandboxed)

    def processes(self):
        """Command lines of what belongs to this test and is no registry."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().decode(errors="replace")
            except OSError:
                continue
            if self.dir.name in words and "docker-registry" not in words:
                found.append(words.replace("\0", " "))
        return found

    def assert_nothing_left(self):
        wait_until(lambda: not self.processes(), "the processes of the job are gone")
        wait_until(lambda: self.engine("ps", "-aq").stdout == "", "its container is gone")
        self.assertEqual([str(path) for path in self.dir.rglob("*.cid")], [])
        self.assertNotIn(self.dir.name, Path("/proc/self/mountinfo").read_text())
        self.assert_nothing_unfinished()
        for path in [*self.dir.glob("**/*auth.json")]:
            self.assertEqual(path.read_text().count('"auth"'), 0, path)


class PassingTest(RecipeTest):
    def assert_passed(self, output):
        self.assertIn("tests passed\n", output)
        self.assertTrue((self.project / "passed").exists())
        self.assert_nothing_left()

    def test_github_actions_and_its_cache(self):
        job, steps = github_job()
        for sandboxed in (False, True):
            with self.subTest(sandboxed=sandboxed):
                output = "".join(self.run_github_step(name, sandboxed) for name in steps if name != "Install")
                self.assert_passed(output)
        layers = [sha256(data) for data, _, _ in self.image.layers]
        fetched = [self.registry.requests(digest) for digest in layers]
        cache = next(step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/cache@"))
        kept = [Path(line) for line in cache["path"].split()]
        self.assertEqual({path.parent for path in kept}, {Path(job["env"]["STORE"])})
        full, self.root = self.root, self.dir / "next"
        self.root.mkdir()
        for path in kept:
            if (full / path.name).exists():
                shutil.copytree(full / path.name, self.root / path.name)
        (self.project / "passed").unlink()
        self.assert_passed("".join(self.run_github_step(name) for name in steps if name != "Install"))
        self.assertEqual([self.registry.requests(digest) for digest in layers], fetched)
        self.tool(ENGINE, "--root", full, "unshare", "rm", "-rf", full)

    def test_gitlab(self):
        document = yaml.safe_load(recipe("GITLAB CI"))
        self.root = self.project / ".engine"
        variables = {**self.place(document["variables"]), **SECRETS}
        job = document["test"]
        self.assertTrue(job["before_script"][0].startswith("apt-get "))  # and is not run here
        output = self.run_script("\n".join(job["script"]), variables, ("sh", "-e"))
        self.run_script("\n".join(job["after_script"]), variables, ("sh", "-e"))
        self.assertEqual({path.name for path in self.root.iterdir()} - {"partial"}, {"blobs"})
        self.assertLessEqual({f".engine/{path.name}" for path in self.root.iterdir()}, set(job["cache"]["paths"]))
        output += self.run_script("\n".join(job["script"]), variables, ("sh", "-e"))
        self.assert_passed(output)
        self.engine("unshare", "rm", "-rf", self.root)

    def test_jenkins(self):
        text = recipe("JENKINS")
        self.assertEqual(text.count("{"), text.count("}"))
        self.assertEqual(text.count("'''") % 2, 0)
        named = dict(re.findall(r"""^\s+([A-Z_]+) = ['"](.*)['"]$""", text, re.M))
        self.assertEqual(sorted(named), ["IMAGE", "REGISTRY", "REGISTRY_AUTH_FILE", "STORE"])
        variables = {**self.place(named), "REGISTRY_AUTH_FILE": str(self.temporary / "auth.json"), "WORKSPACE_TMP": str(self.temporary),
                     "PASSWORD_FILE": str(self.password_file), "TOKEN": TOKEN}
        # The one user that this registry knows has another name than the recipe's.
        scripts = [script.replace("--username ci ", "--username ann ") for script in jenkins_scripts()]
        self.assert_passed("".join(self.run_script(script, variables, ("sh", "-xe")) for script in scripts))


class EndedJobTest(RecipeTest):
    def start_job(self, edit=lambda script: script, waits=True):
        """The test step of GitHub's recipe, whose command says that it runs and never ends; nothing of it handles signals."""
        self.run_github_step("Fetch the image", sandboxed=False)
        (self.project / "run-tests").write_text(f"echo running\ntouch running\nsleep 86400 # {self.dir.name}\n")
        job, steps = github_job()
        variables = {**self.place(job["env"]), "TOKEN": TOKEN, "RUNNER_TEMP": str(self.temporary)}
        process = self.start(["bash", "-e", "-c", edit(steps["Test"]["run"])], variables)
        self.addCleanup(process.stdout.close)
        if waits:
            wait_until(lambda: (self.project / "running").exists(), "the command of the job runs")
            self.assertTrue((self.temporary / "test.cid").exists())
        return process

    def test_after_sigterm_nothing_is_left(self):
        process = self.start_job()
        self.assertTrue(self.processes())
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)
        self.assert_nothing_left()
        self.run_github_step("Clean up", sandboxed=False)

    def test_after_sigkill_the_last_step_leaves_nothing(self):
        process = self.start_job()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_SECONDS)
        self.run_github_step("Clean up", sandboxed=False)
        self.assert_nothing_left()

    def test_without_timeout_the_container_dies_with_a_killed_job(self):
        process = self.start_job(lambda script: re.sub(r"--timeout \d+ ", "", script))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_SECONDS)
        wait_until(lambda: not self.processes(), "the container is gone")
        self.run_github_step("Clean up", sandboxed=False)
        self.assert_nothing_left()

    def test_a_timeout_ends_it_with_255(self):
        process = self.start_job(lambda script: re.sub(r"--timeout \d+", "--timeout 1", script), waits=False)
        self.assertEqual(process.wait(PATIENCE_SECONDS), 255)
        self.assert_nothing_left()


class FactsTest(RecipeTest):
    """What the page says beside the recipes."""

    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_exit_statuses(self):
        for words, status in ((("nosuchimage",), 125), (("localhost/busybox", "/etc"), 126), (("localhost/busybox", "nosuch"), 127),
                              (("localhost/busybox", "sh", "-c", "exit 7"), 7),
                              (("--init", "localhost/busybox", "sh", "-c", "kill -TERM $$"), 143)):
            with self.subTest(words=words):
                self.assertEqual(self.in_container("--pull=never", *words, check=False).status, status)
        rows = re.findall(r"^    (\S+(?: \S+)*)  ", section("EXIT STATUS"), re.M)
        self.assertLessEqual({"125", "126", "127", "128 + N"}, set(rows))

    def test_what_inspect_shows_of_secrets(self):
        self.engine("secret", "create", "--env", "token", "TOKEN", env={"TOKEN": TOKEN})
        self.engine("create", "--name", "hidden", "--secret", "token,type=env,target=TOKEN", "localhost/busybox")
        self.engine("create", "--name", "shown", "--env", "TOKEN", "localhost/busybox", env={"TOKEN": TOKEN})
        self.assertIn(TOKEN, self.engine("inspect", "shown").stdout)
        self.assertNotIn(TOKEN, self.engine("inspect", "hidden").stdout)

    def test_debug_messages_have_no_password(self):
        login = self.engine("--log-level=debug", "login", "-u", "ann", "--password-stdin", self.registry.name, input=PASSWORD)
        pull = self.engine("--log-level=debug", "pull", f"{self.registry.name}/team/app:1")
        self.assertIn("debug", pull.stderr)
        for done in (login, pull):
            self.assertNotIn(PASSWORD, done.stdout + done.stderr)
            self.assertNotIn("YW5uOnMzY3JldA", done.stdout + done.stderr)

    def test_a_damaged_cache_is_noticed(self):
        image = make_image.busybox_image("localhost/other")
        self.registry.push("team/other", "1", image, {"Authorization": "Basic YW5uOnMzY3JldA=="})
        data = image.layers[0][0]
        blob = self.root / "blobs/sha256" / sha256(data)[7:9] / sha256(data)[7:]
        self.log_in()
        name = f"{self.registry.name}/team/other:1"
        self.engine("pull", "-q", *self.trust(), name)
        self.assertTrue(blob.exists(), sorted(self.root.glob("blobs/**/*")))
        full, self.root = self.root, self.dir / "next"
        self.root.mkdir()
        shutil.copytree(full / "blobs", self.root / "blobs")
        damaged = self.root / blob.relative_to(full)
        damaged.chmod(0o600)
        damaged.write_bytes(data[:1000] + b"x" + data[1001:])
        self.engine("pull", "-q", *self.trust(), name, check=False)
        self.engine("pull", "-q", *self.trust(), name)
        self.assertEqual(self.in_container("--pull=never", name, "echo", "sound").stdout, "sound\n")
        self.tool(ENGINE, "--root", full, "unshare", "rm", "-rf", full)
