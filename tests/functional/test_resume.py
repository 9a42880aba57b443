"""A pull never starts over: whatever cuts it off, the next attempt goes on where it was, and fetches no byte twice."""

import os
import random
import signal

import make_image
from cutting_registry import CuttingRegistry
from engine_test import EngineTest, wait_until
from make_image import directory_entry, file_entry, sha256, tar_of


def image_of(*sizes, name="localhost/resume:latest"):
    """A layer of so many incompressible bytes for each size; the first also has a folder."""
    image = make_image.Image(name, {})
    for number, size in enumerate(sizes):
        entries = [(directory_entry("data"), b"")] if number == 0 else []
        image.add_layer(tar_of([*entries, (file_entry(f"data/{number}"), os.urandom(size))]))
    return image


class ResumeTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.registry = CuttingRegistry()
        self.addCleanup(self.registry.stop)

    def offer(self, *sizes, repository="app"):
        image = image_of(*sizes)
        self.registry.add(repository, image)
        return image

    def path_of(self, data, repository="app"):
        return f"/v2/{repository}/blobs/{sha256(data)}"

    def partial(self, data):
        return self.root / "partial" / sha256(data)[7:]

    def size_of_partial(self, data):
        return self.partial(data).stat().st_size if self.partial(data).exists() else 0

    def pull(self, *options, repository="app", **more):
        return self.engine("pull", "-q", "--tls-verify=false", "--retry", "0", *options,
                           f"{self.registry.name}/{repository}", **more)

    def fail_to_pull(self, *options, **more):
        result = self.pull(*options, check=False, **more)
        self.assert_fails(result, 125)
        self.assert_nothing_unfinished()
        return result

    def assert_fetched_once(self, image):
        """Not one byte of a layer more than its size crossed the wire, and all is as it should be."""
        for data, _, _ in image.layers:
            self.assertEqual(self.registry.sent[self.path_of(data)], len(data), self.registry.starts)
        self.assert_sound(image)

    def assert_sound(self, image):
        self.assertEqual(self.engine("images", "-q", "--no-trunc").stdout,
                         sha256(image.config_bytes()) + "\n")
        self.assertEqual(self.engine("system", "check", "--deep").status, 0)
        self.assertEqual(self.left(), [])
        self.assert_nothing_unfinished()

    def left(self):
        folder = self.root / "partial"
        return sorted(os.listdir(folder)) if folder.exists() else []


class CutTest(ResumeTest):
    def test_cuts_at_every_class_of_offset_within_one_pull(self):
        image = self.offer(600_000)
        data = image.layers[0][0]
        cuts = [0, 1, 9, 1, 0, 500, 1, 511, 3073, 65535 - 4096, 1, 65536, 16384, 16383, 16385, 100_000, 0]
        rest = len(data) - sum(cuts)
        self.registry.cuts[self.path_of(data)] = [*cuts, rest - 1, 0, 1]  # the last byte, too
        self.pull("--retry", "30", "--retry-delay", "1ms")
        self.assertEqual(len(self.registry.starts[self.path_of(data)]), len(cuts) + 3)
        self.assert_fetched_once(image)

    def test_every_process_goes_on_where_the_last_one_was_cut_off(self):
        image = self.offer(300_000)
        data = image.layers[0][0]
        for cut in (0, 1, 100, 65536, 1, len(data) - 65638 - 1):
            self.registry.cuts[self.path_of(data)] = [cut]
            self.fail_to_pull()
        self.assertEqual(self.partial(data).stat().st_size, len(data) - 1)
        self.assertIn("Downloads that broke off", self.engine("system", "df", "-v").stdout)
        result = self.engine("pull", "--tls-verify=false", f"{self.registry.name}/app")
        self.assertIn("are here from an earlier pull", result.stderr)
        self.assert_fetched_once(image)

    def test_random_cuts_and_random_kills(self):
        """kill -9 when the bytes that were sent have been written: none of them is sent again."""
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        with self.subTest(seed=seed):
            image = self.offer(400_000, 700_000)
            for _ in range(6):
                # A layer that is complete holds up nothing, and the pull would come to its end.
                data = chance.choice([layer for layer, _, _ in image.layers if self.size_of_partial(layer) < len(layer)])
                have = self.size_of_partial(data)
                part = chance.randrange(len(data) - have)
                self.registry.holds[self.path_of(data)] = [part]
                process = self.start_engine("pull", "--tls-verify=false", f"{self.registry.name}/app")
                wait_until(lambda: self.size_of_partial(data) == have + part, "what was sent is in the file")
                for other, _, _ in image.layers:  # and the other layer has come to its end
                    if other is not data:
                        wait_until(lambda: self.size_of_partial(other) == len(other), "the other layer is there")
                process.kill()
                process.wait()
            self.registry.holds.clear()
            self.pull()
            self.assert_fetched_once(image)

    def test_what_a_signal_ends_is_gone_on_with(self):
        image = self.offer(300_000)
        data = image.layers[0][0]
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            have = self.partial(data).stat().st_size if self.partial(data).exists() else 0
            self.registry.holds[self.path_of(data)] = [100_000]
            process = self.start_engine("pull", "--tls-verify=false", f"{self.registry.name}/app")
            wait_until(lambda: self.partial(data).exists() and self.partial(data).stat().st_size == have + 100_000,
                       "what was sent is in the file")
            process.send_signal(number)
            self.assertIn(process.wait(20), (status, -number))
            self.assert_nothing_unfinished()
        self.pull()
        self.assert_fetched_once(image)

    def test_layers_that_were_complete_are_not_fetched_again(self):
        for keep in ("true", "false"):
            with self.subTest(keep_blobs=keep):
                own = self.dir / "engine.conf"
                own.write_text(f"[pull]\nkeep_blobs = {keep}\n")
                environment = {"ENGINE_CONF": str(own)}
                image = self.offer(100_000, 200_000)
                first, second = (data for data, _, _ in image.layers)
                self.registry.holds[self.path_of(second)] = [1000]
                process = self.start_engine("pull", "--tls-verify=false", f"{self.registry.name}/app",
                                            env={**self.environment, **environment})
                wait_until(lambda: self.size_of_partial(first) == len(first) and self.size_of_partial(second) == 1000,
                           "one layer is complete, and of the other all that was sent")
                process.terminate()
                process.wait()
                self.registry.holds.clear()
                self.pull(env=environment)
                self.assert_fetched_once(image)
                self.engine("rmi", "-af")

    def test_a_mirror_that_breaks_off_is_followed_by_the_registry(self):
        mirror = CuttingRegistry()
        self.addCleanup(mirror.stop)
        image = self.offer(300_000)
        data = image.layers[0][0]
        mirror.add("app", image)
        mirror.cuts[self.path_of(data)] = [120_000, 0]
        directory = self.home / ".config/containers"
        directory.mkdir(parents=True)
        (directory / "registries.conf").write_text(
            f'[[registry]]\nlocation = "{self.registry.name}"\ninsecure = true\n'
            f'[[registry.mirror]]\nlocation = "{mirror.name}"\ninsecure = true\n')
        self.engine("pull", "-q", "--retry", "0", f"{self.registry.name}/app")
        self.assertEqual(mirror.sent[self.path_of(data)] + self.registry.sent[self.path_of(data)], len(data))
        self.assert_sound(image)

    def test_a_blob_is_gone_on_with_from_another_repository(self):
        image = self.offer(300_000)
        data = image.layers[0][0]
        self.registry.cuts[self.path_of(data)] = [50_000]
        self.fail_to_pull()
        self.registry.add("other", image)
        self.pull(repository="other")
        self.assertEqual(self.registry.starts[self.path_of(data, "other")], [50_000])
        self.assert_sound(image)

    def test_a_registry_without_ranges_sends_it_again(self):
        image = self.offer(300_000)
        data = image.layers[0][0]
        self.registry.has_ranges = False
        self.registry.cuts[self.path_of(data)] = [200_000]
        self.fail_to_pull()
        self.pull()
        self.assert_sound(image)


class PrefixTest(ResumeTest):
    """What an earlier pull left is believed only when the whole blob has its digest."""

    def setUp(self):
        super().setUp()
        self.image = self.offer(300_000)
        self.data = self.image.layers[0][0]
        self.registry.cuts[self.path_of(self.data)] = [100_000]
        self.fail_to_pull()

    def test_damaged_bytes_are_fetched_again(self):
        for offset in (0, 50_000, 99_999):
            with self.subTest(offset=offset):
                damaged = bytearray(self.data[:100_000])
                damaged[offset] ^= 1
                self.partial(self.data).parent.mkdir(exist_ok=True)
                self.partial(self.data).write_bytes(damaged)
                self.assertIn("from its start", self.pull().stderr)
                self.assert_sound(self.image)
                self.engine("rmi", "-af")

    def test_a_file_that_is_too_long_or_no_file_is_not_used(self):
        self.partial(self.data).write_bytes(self.data + b"x")
        self.pull()
        self.assertEqual(self.registry.starts[self.path_of(self.data)][-1], 0)
        self.engine("rmi", "-af")
        self.partial(self.data).unlink()
        self.partial(self.data).symlink_to(self.dir / "elsewhere")
        self.pull()
        self.assertFalse((self.dir / "elsewhere").exists())

    def test_a_file_that_has_another_name_is_not_written_to(self):
        other = self.dir / "other"
        os.link(self.partial(self.data), other)
        self.pull()
        self.assertEqual(other.read_bytes(), self.data[:100_000])
        self.assertEqual(self.registry.starts[self.path_of(self.data)][-1], 0)
        self.engine("system", "check", "--deep")

    def test_a_complete_file_needs_no_request_and_is_checked(self):
        self.partial(self.data).write_bytes(self.data)
        before = len(self.registry.starts[self.path_of(self.data)])
        self.pull()
        self.assertEqual(len(self.registry.starts[self.path_of(self.data)]), before)
        self.assert_sound(self.image)

    def test_prune_gives_up_on_it(self):
        self.assertEqual(len(self.left()), 1)
        self.engine("system", "prune", "-f")
        self.assertEqual(self.left(), [])
        self.pull()
        self.assertEqual(self.registry.starts[self.path_of(self.data)], [0, 0])

    def test_one_in_use_is_not_pruned(self):
        self.registry.holds[self.path_of(self.data)] = [1000]
        process = self.start_engine("pull", "--tls-verify=false", f"{self.registry.name}/app")
        wait_until(lambda: self.partial(self.data).stat().st_size == 101_000, "it goes on")
        self.engine("system", "prune", "-f")
        self.registry.let_go.set()
        self.assertEqual(process.wait(60), 0, process.stderr.read())
        self.assert_fetched_once(self.image)

    def test_an_old_one_goes_with_the_next_pull(self):
        os.utime(self.partial(self.data), (0, 0))
        self.registry.add("other", image_of(1000))
        self.pull(repository="other")
        self.assertEqual(self.left(), [])

    def test_wrong_bytes_of_the_registry_are_not_kept(self):
        path = self.path_of(self.data)
        self.registry.blobs[path] = self.data[:150_000] + bytes([self.data[150_000] ^ 1]) + self.data[150_001:]
        result = self.pull(check=False)
        self.assertEqual(result.status, 125, result)
        self.assertIn("has the digest", result.stderr)
        self.assert_nothing_unfinished()
        self.assertEqual(self.left(), [])

    def test_two_pulls_do_not_write_to_one_file(self):
        """The same blob as the layer of another image: its pull does not wait, and fetches it for itself."""
        other = image_of(1000)
        other.layers.append(self.image.layers[0])
        self.registry.add("other", other)
        self.registry.holds[self.path_of(self.data)] = [1000]
        process = self.start_engine("pull", "-q", "--tls-verify=false", f"{self.registry.name}/app")
        wait_until(lambda: self.partial(self.data).stat().st_size == 101_000, "it goes on")
        self.pull(repository="other")
        self.registry.let_go.set()
        self.assertEqual(process.wait(60), 0, process.stderr.read())
        self.assertEqual(self.engine("system", "check", "--deep").status, 0)
        self.assertEqual(self.left(), [])
