"""Many commands at once on one store while any of them is killed at random; in between and afterwards all is sound.

SOAK_SECONDS says how long. The workers pull overlapping images from folders and a registry, run, remove, tag, prune and
check; what one of them was told is done is remembered and must be there.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from durability_test import BOX, OTHER, RUN, busybox, content_of, image
from engine_test import EngineTest, wait_until
from registry_server import FakeRegistry

SECONDS = float(os.environ.get("SOAK_SECONDS", "6"))
SEED = int(os.environ.get("SOAK_SEED", "0")) or random.randrange(1 << 32)
WORKERS = 4
IMAGES = 5
KILLED_OF_100 = 30
# A command that is hindered by another, or whose helper is killed, fails and says so; these words would mean a store that
# is not whole.
SUSPICIOUS = ("damage", "corrupt", "No such file", "is not a container", "Stale", "cannot be read", "internal", "terminate")


class SoakTest(EngineTest):
    def setUp(self):
        os.environ.setdefault("TMPDIR", "/dev/shm")
        super().setUp()
        self.registry = FakeRegistry()
        self.addCleanup(self.registry.stop)
        base = busybox()
        self.sources, self.names = [], []
        for number in range(IMAGES):
            self.add_image(f"soak{number}", image(f"localhost/soak{number}:latest", base))
        for name in (BOX, OTHER):  # nobody removes these
            self.engine("pull", "-q", self.archive(image(name, base), "kept.tar"))
        self.engine(*RUN, "--rm", "-v", "data:/data", BOX, "sh", "-c", "echo precious > /data/file")
        self.engine(*RUN, "--name", "keeper", OTHER, "sh", "-c", "echo kept > /kept")
        self.lock = threading.Lock()
        self.done, self.killed, self.faults, self.listings = 0, 0, [], []
        self.tags = {}  # names that are promised to be there, and what they show

    def add_image(self, name, made):
        """Half of them from a folder, half from a registry."""
        if len(self.sources) % 2:
            self.registry.add(name, made)
            self.sources.append(["--tls-verify=false", f"{self.registry.name}/{name}:latest"])
            self.names.append((f"{self.registry.name}/{name}:latest", content_of(made.name)))
        else:
            made.write_layout(self.dir / name)
            self.sources.append([f"oci:{self.dir / name}"])
            self.names.append((made.name, content_of(made.name)))

    # --- the workers ---

    def words(self, chance):
        name, _ = chance.choice(self.names)
        container = f"name{chance.randrange(4)}"
        return chance.choice([
            ["pull", "-q", *chance.choice(self.sources)], ["pull", "-q", *chance.choice(self.sources)],
            ["pull", "-q", *chance.choice(self.sources)],
            [*RUN, "--rm", BOX, "sh", "-c", ":"], [*RUN, "--rm", name, "cat", "/word"], [*RUN, "--rm", OTHER, "cat", "/word"],
            [*RUN, "-d", "--replace", "--name", container, name, "sh", "-c", "echo out"],
            [*RUN, "--replace", "--name", container, BOX, "sh", "-c", ":"],
            ["rm", "-f", "-t", "0", container], ["rmi", name], ["rmi", "-f", name],
            ["tag", BOX, f"localhost/tag{chance.randrange(3)}"], ["rmi", f"localhost/tag{chance.randrange(3)}:latest"],
            ["image", "prune", "-f"], ["system", "check"], ["images"], ["logs", container], ["inspect", container]])

    def work(self, number, end):
        chance = random.Random(SEED * 100 + number)
        mine = f"localhost/promise{number}:latest"
        while time.monotonic() < end and not self.faults:
            try:
                self.one_command(self.words(chance), chance)
                if chance.random() < 0.1:
                    self.promise(mine)
            except Exception as error:  # a thread's exception would be lost
                self.fault(repr(error))

    def one_command(self, words, chance):
        process = subprocess.Popen(self.command("--log-level", "error", *words), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment,
                                   cwd=self.dir)
        if chance.randrange(100) < KILLED_OF_100:
            try:
                process.wait(chance.random() * 0.15)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=120)
        with self.lock:
            self.done += 1
            self.killed += process.returncode == -signal.SIGKILL
        if process.returncode < 0:
            return  # what its helpers say when it is gone is not told to anybody
        # 137, 255: the container itself was killed, or who watched it.
        told = process.returncode in (0, 137, 255) or stderr.startswith("Error: ")
        if told and words[0] == "logs" and "No such file" in stderr:
            return  # the container was removed between two looks
        if not told or "damage" in stdout or any(text in stderr for text in SUSPICIOUS):
            self.fault(f"{words}: {process.returncode} {stdout} {stderr}")

    def promise(self, name):
        """A name that only this worker gives, and nobody takes away, is there from then on."""
        if self.engine("tag", BOX, name, check=False).status == 0:
            with self.lock:
                self.tags[name] = content_of(BOX)

    def fault(self, text):
        with self.lock:
            self.faults.append(text)

    def kill_someone(self, chance):
        """Any process of this store: a command, a helper, a monitor."""
        found = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if self.is_ours(path)]
        if found:
            try:
                os.kill(chance.choice(found), signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass

    def is_ours(self, path):
        try:
            return str(self.root).encode() in path.read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return False

    # --- in between, and at the end ---

    def look(self):
        """While the others work: a list is never late, and a check finds no damage."""
        before = time.monotonic()
        done = self.engine("ps", "-a", check=False)
        self.listings.append(time.monotonic() - before)
        if done.status != 0:
            self.fault(str(done))
        for name, word in list(self.tags.items()):
            done = self.engine(*RUN, "--rm", name, "cat", "/word", check=False)
            if done.stdout != word:
                self.fault(str(done))

    def assert_all_is_well(self):
        self.assertEqual(self.faults, [], f"SOAK_SEED={SEED}")
        wait_until(lambda: not any(self.is_ours(path) for path in Path("/proc").glob("[0-9]*/cmdline")),
                   "no process is left")
        found = self.engine("system", "check", "--deep", "--format", "json", check=False).json()
        self.assertFalse(found["Damaged"], found)
        listed = [name for one in self.engine("images", "--format", "json").json() for name in one.get("Names") or []]
        self.assertLessEqual({BOX, OTHER, *self.tags}, set(listed))
        for name, word in [*self.names, (BOX, content_of(BOX)), (OTHER, content_of(OTHER)), *self.tags.items()]:
            if name in listed:
                self.assertEqual(self.engine(*RUN, "--rm", name, "cat", "/word").stdout, word)
        self.assertEqual(self.engine(*RUN, "--rm", "-v", "data:/data", BOX, "cat", "/data/file").stdout, "precious\n")
        keeper = self.inspect("keeper")["Id"]
        self.assertEqual(self.engine("unshare", "cat", self.root / "containers" / keeper / "upper/kept").stdout, "kept\n")
        self.engine("ps", "-a")
        self.engine("system", "check", "--repair")
        self.assert_nothing_unfinished()
        self.assertEqual(self.engine("system", "check", "--deep").stdout, "The store is sound.\n")
        mounts = Path("/proc/self/mountinfo").read_text()
        self.assertNotIn(str(self.root), mounts)

    def test_random_kills(self):
        end = time.monotonic() + SECONDS
        workers = [threading.Thread(target=self.work, args=(number, end)) for number in range(WORKERS)]
        for worker in workers:
            worker.start()
        chance = random.Random(SEED)
        while time.monotonic() < end and not self.faults:
            self.look()
            self.kill_someone(chance)
        for worker in workers:
            worker.join()
        self.assert_all_is_well()
        self.listings.sort()
        percentile = self.listings[len(self.listings) * 99 // 100]
        print(f"\n{self.done} commands in {SECONDS:.0f} s, {self.killed} of them killed; ps p99 {percentile * 1000:.0f} ms "
              f"of {len(self.listings)}", end=" ", file=sys.stderr)
