"""Many commands at once on one store: none hangs or meets an error of ours, and what is left can all be removed."""

import random
from concurrent.futures import ThreadPoolExecutor

from engine_test import BUSYBOX, EngineTest, wait_until

WORKERS, TURNS = 6, 240
# What may well happen to one who works beside others. Whatever else is said is a fault.
EXPECTED = ("no container with name or id", "image not known", "is already in use by", "is not running", "was removed",
            "no such object", "is used by container", "is running", "in use by another process", "no such image",
            "Trying to pull", "has no monitor to attach to", "has several names", "is not in the store",
            "is being removed")


class TogetherTest(EngineTest):
    def words(self, number, archive):
        chance = random.Random(number)
        name = f"name{chance.randrange(4)}"
        run = ["run", "--pull", "never", "--network", "none"]
        return chance.choice([
            [*run, "--rm", BUSYBOX, "true"],
            [*run, "--rm", "-i", "--name", name, BUSYBOX, "true"],
            [*run, "-d", "--name", name, BUSYBOX, "/guest", "wait"],
            [*run, "-d", "--rm", "--replace", "--name", name, BUSYBOX, "true"],
            ["create", "--pull", "never", "--network", "none", "--name", name, "-v", "/volume", BUSYBOX, "true"],
            ["start", name], ["stop", "-t", "0", name], ["kill", name], ["exec", name, "true"], ["logs", name],
            ["inspect", name], ["ps", "-a"], ["images"], ["stop", "-a", "-t", "0"],
            ["rm", "-f", "-v", "-t", "0", name], ["rm", "-fav", "-t", "0"],
            ["pull", "-q", archive], ["rmi", BUSYBOX], ["rmi", "-f", BUSYBOX], ["tag", BUSYBOX, "localhost/other"],
            ["rmi", "localhost/other"]])

    def test_all_at_once(self):
        archive = self.archive()
        self.engine("pull", "-q", archive)
        with ThreadPoolExecutor(WORKERS) as executor:
            results = list(executor.map(
                lambda number: self.engine(*self.words(number, archive), check=False), range(TURNS)))
        for result in results:
            if result.status not in (0, 137):  # a container that another command killed
                self.assertTrue(any(text in result.stderr for text in EXPECTED), result)
        self.engine("rm", "-fav", "-t", "0")
        self.engine("rmi", "-fa")
        for folder in ("containers", "names", "images", "refs", "layers"):
            self.assertEqual(list((self.root / folder).iterdir()), [], folder)
        # The clean-up after a --rm container, which goes on without its command, may still be deleting it.
        for folder in ("staging", "trash"):
            wait_until(lambda: not list((self.root / folder).iterdir()), f"{folder} is empty")
