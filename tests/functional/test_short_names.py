"""What a short name means: asked at a terminal, remembered as podman does, refused where nobody can be asked."""

from engine_test import EngineTest
from registry_server import FakeRegistry
from terminal import Terminal
from test_pull import small_image


class ShortNameBase(EngineTest):
    def setUp(self):
        super().setUp()
        self.registries = [FakeRegistry(), FakeRegistry()]
        for registry in self.registries:
            self.addCleanup(registry.stop)
            registry.add("app", small_image())
        self.folder = self.home / ".config/containers"
        self.folder.mkdir(parents=True)
        self.aliases = self.home / ".cache/containers/short-name-aliases.conf"
        self.configure("permissive")

    def configure(self, mode, registries=None):
        names = [registry.name for registry in registries or self.registries]
        lines = [f"unqualified-search-registries = {names}".replace("'", '"'), f'short-name-mode = "{mode}"']
        for registry in self.registries:
            lines += ["[[registry]]", f'location = "{registry.name}"', "insecure = true"]
        (self.folder / "registries.conf").write_text("\n".join(lines) + "\n")

    def names(self):
        return self.engine("images", "--format", "{{.Repository}}").stdout.split()


class ShortNameTest(ShortNameBase):
    def test_the_answer_is_remembered(self):
        self.aliases.parent.mkdir(parents=True)
        self.aliases.write_text('[aliases]\n  "other/name" = "quay.io/other/name"\n')
        for mode in ("permissive", "enforcing"):
            with self.subTest(mode=mode):
                self.configure(mode)
                screen = Terminal(self, "pull", "-q", "app:latest")
                screen.expect("1) " + self.registries[0].name)
                screen.expect("2) " + self.registries[1].name)
                screen.expect("Number [1]: ")
                screen.send("7\n")
                screen.expect("Number [1]: ")
                screen.send("2\n")
                self.assertEqual(screen.end(), 0, screen.shown)
                target = f"{self.registries[1].name}/app"
                self.assertEqual(self.names(), [target])
                self.assertEqual(self.aliases.read_text(), f'[aliases]\n  "app" = "{target}"\n'
                                                           '  "other/name" = "quay.io/other/name"\n')
                self.engine("rmi", "-af")
                self.engine("pull", "-q", "app")  # nobody is asked any more
                self.assertEqual(self.names(), [target])
                self.engine("rmi", "-af")
                self.aliases.write_text('[aliases]\n  "other/name" = "quay.io/other/name"\n')

    def test_what_could_not_be_pulled_is_not_remembered(self):
        screen = Terminal(self, "pull", "-q", "absent")
        screen.expect("Number [1]: ")
        screen.send("\n")
        self.assertEqual(screen.end(), 125)
        self.assertFalse(self.aliases.exists())

    def test_where_nobody_can_be_asked(self):
        self.configure("enforcing")
        self.assert_fails(self.engine("pull", "app", check=False), 125,
                          "short-name resolution enforced but cannot prompt without a TTY",
                          f"{self.registries[0].name}/app:latest")
        self.configure("permissive")
        self.engine("pull", "-q", "app")
        self.assertEqual(self.names(), [f"{self.registries[0].name}/app"])
        self.assertFalse(self.aliases.exists())

    def test_where_nobody_need_be_asked(self):
        for mode, registries in (("disabled", None), ("enforcing", self.registries[1:])):
            with self.subTest(mode=mode):
                self.configure(mode, registries)
                screen = Terminal(self, "pull", "-q", "app")
                self.assertEqual(screen.end(), 0, screen.shown)
                self.assertNotIn("Number", screen.shown)
                self.engine("rmi", "-af")
        self.configure("permissive")
        self.engine("pull", "-q", f"{self.registries[1].name}/app")
        self.engine("tag", f"{self.registries[1].name}/app", "docker.io/library/app")
        screen = Terminal(self, "pull", "-q", "--policy", "missing", "app")  # the store has one of that name
        self.assertEqual(screen.end(), 0, screen.shown)
        self.assertNotIn("Number", screen.shown)


class SettingsTest(ShortNameBase):
    def containers_conf(self, text):
        (self.folder / "containers.conf").write_text("[engine]\n" + text + "\n")

    def explain(self, key):
        return self.engine("config", "explain", key).stdout

    def test_when_run_fetches(self):
        name = f"{self.registries[0].name}/app"
        self.containers_conf('pull_policy = "never"')
        self.assertIn("never", self.explain("pull_policy"))
        self.assert_fails(self.engine("create", name, "x", check=False), 125, "image not known")
        self.engine("create", "--pull", "missing", name, "x")
        self.containers_conf('pull_policy = "always"')
        seen = len(self.registries[0].seen)
        self.engine("create", name, "x")
        self.assertGreater(len(self.registries[0].seen), seen)
        self.containers_conf('pull_policy = "sometimes"')
        self.assert_fails(self.engine("create", name, "x", check=False), 125, "pull_policy", "containers.conf")

    def test_where_a_plain_name_is(self):
        small_image().write_layout(self.dir / "layout")
        self.containers_conf('image_default_transport = "oci:"')
        self.assertIn("oci:", self.explain("image_default_transport"))
        self.engine("pull", "-q", f"{self.dir}/layout")
        self.engine("pull", "-q", f"docker://{self.registries[0].name}/app")

    def test_how_push_works(self):
        self.engine("pull", "-q", f"{self.registries[0].name}/app")
        push = ("push", "-q", f"{self.registries[0].name}/app", f"oci:{self.dir}/out")
        self.containers_conf("image_parallel_copies = 1")
        self.assertIn("1", self.explain("image_parallel_copies"))
        self.engine(*push)
        self.containers_conf("image_parallel_copies = -1")
        self.assert_fails(self.engine(*push, check=False), 125, "image_parallel_copies")
        self.containers_conf("compression_level = 99")
        self.assert_fails(self.engine(*push, check=False), 125, "compression_level")
        self.containers_conf("compression_level = 20")
        self.assertIn("20", self.explain("compression_level"))
        words = (*push[:3], f"oci:{self.dir}/small")
        again = ("--compression-format", "gzip", "--force-compression")
        self.assert_fails(self.engine(*words, *again, check=False), 125, "1 to 9")
        self.engine(*words, *again, "--compression-level", "9")


if __name__ == "__main__":
    import unittest
    unittest.main()
