"""registries.conf and its like: mirrors, blocked and short names; which file decides, and how to see it."""

import json

from engine_test import EngineTest
from make_image import sha256
from registry_server import FakeRegistry
from test_pull import small_image


class ConfigurationTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.folder = self.home / ".config/containers"
        self.folder.mkdir(parents=True)

    def start_registry(self):
        registry = FakeRegistry()
        self.addCleanup(registry.stop)
        return registry

    def configure(self, text, name="registries.conf"):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


class RegistriesTest(ConfigurationTest):
    def setUp(self):
        super().setUp()
        self.main, self.mirror = self.start_registry(), self.start_registry()
        self.image = small_image()
        for registry in (self.main, self.mirror):
            registry.add("app", self.image)
        self.name = f"{self.main.name}/app"
        self.digest = sha256(self.image.manifest_bytes())

    def entry(self, mirror="", **more):
        fields = "".join(f"{key} = {json.dumps(value)}\n" for key, value in more.items())
        return (f'[[registry]]\nlocation = "{self.main.name}"\ninsecure = true\n{fields}'
                f'[[registry.mirror]]\nlocation = "{self.mirror.name}"\ninsecure = true\n{mirror}')

    def sources(self, name=None):
        """Which of the two were asked for an image that is not there yet."""
        for registry in (self.main, self.mirror):
            registry.seen.clear()
        self.engine("pull", "-q", "--retry", "0", name or self.name)
        self.engine("rmi", "-af")
        return bool(self.main.seen), bool(self.mirror.seen)

    def test_mirrors_are_asked_as_they_say(self):
        by_digest = f"{self.name}@{self.digest}"
        for entry, of_tag, of_digest in (
                (self.entry(), (False, True), (False, True)),
                (self.entry('pull-from-mirror = "digest-only"\n'), (True, False), (False, True)),
                (self.entry('pull-from-mirror = "tag-only"\n'), (False, True), (True, False)),
                (self.entry(**{"mirror-by-digest-only": True}), (True, False), (False, True))):
            with self.subTest(entry=entry):
                self.configure(entry)
                self.assertEqual((self.sources(), self.sources(by_digest)), (of_tag, of_digest))

    def test_a_mirror_without_the_image_is_passed_over(self):
        self.configure(self.entry())
        self.mirror.manifests.clear()
        self.assertEqual(self.sources(), (True, True))

    def test_blocked(self):
        self.configure(f'[[registry]]\nlocation = "{self.main.name}"\nblocked = true\n')
        self.assert_fails(self.engine("pull", "-q", self.name, check=False), 125, "blocked", self.main.name)
        self.assertEqual(self.main.seen, [])

    def test_a_prefix_leads_to_another_location(self):
        self.configure(f'[[registry]]\nprefix = "example.com/team"\nlocation = "{self.main.name}"\ninsecure = true\n')
        self.engine("pull", "-q", "--retry", "0", "example.com/team/app")
        self.assertIn("example.com/team/app", self.engine("images").stdout)

    def test_the_files_of_drop_ins_are_laid_over(self):
        self.configure(self.entry(**{"blocked": True}))
        self.configure(self.entry(), "registries.conf.d/10-later.conf")
        self.assertEqual(self.sources(), (False, True))

    def test_version_1_is_refused_with_a_hint(self):
        self.configure('[registries.search]\nregistries = ["docker.io"]\n')
        result = self.engine("pull", "-q", self.name, check=False)
        self.assert_fails(result, 125, "version 1", "registries.conf:1")
        self.assertIn("unqualified-search-registries", result.stderr)

    def test_short_names(self):
        text = (f'unqualified-search-registries = ["{self.main.name}"]\n[aliases]\nweb = "{self.mirror.name}/app"\n' +
                self.entry())
        for registry in (self.main, self.mirror):
            text += f'[[registry]]\nprefix = "{registry.name}"\nlocation = "{registry.name}"\ninsecure = true\n'
        self.configure(text)
        self.assertEqual(self.sources("app"), (True, False))
        self.assertEqual(self.sources("web:latest"), (False, True))
        cache = self.home / ".cache/containers"
        cache.mkdir(parents=True)
        (cache / "short-name-aliases.conf").write_text(f'[aliases]\nweb = "{self.main.name}/app"\n')
        self.assertEqual(self.sources("web"), (True, False))  # as somebody chose at a prompt

    def test_a_short_name_that_may_be_several(self):
        self.configure(f'unqualified-search-registries = ["{self.main.name}", "{self.mirror.name}"]\n'
                       'short-name-mode = "enforcing"\n')
        self.assert_fails(self.engine("pull", "-q", "app", check=False), 125, "cannot prompt without a TTY", self.mirror.name)


class ExplainTest(ConfigurationTest):
    def explain(self, key, **more):
        return self.engine("config", "explain", "--format", "json", key, **more).json()

    def test_every_file_and_who_won(self):
        self.configure("[engine]\nretry = 5\nretry_delay = \"1s\"\n", "containers.conf")
        self.configure("[engine]\nretry = 7\n", "containers.conf.d/20-x.conf")
        self.configure("[engine]\nstop_timeout = 1\n", "containers.conf.d/30-y.conf")
        found = self.explain("retry")
        self.assertEqual((found["Key"], found["Value"], found["Winner"]),
                         ("engine.retry", "7", str(self.folder / "containers.conf.d/20-x.conf")))
        files = {file["Path"]: file for file in found["Files"]}
        self.assertEqual(files[str(self.folder / "containers.conf")]["Value"], "5")
        self.assertEqual([path for path, file in files.items() if file["Wins"]], [found["Winner"]])
        self.assertNotIn("Value", files[str(self.folder / "containers.conf.d/30-y.conf")])
        self.assertIn("/etc/containers/containers.conf", files)
        shown = self.engine("config", "explain", "engine.retry").stdout
        self.assertIn("containers.conf engine.retry = 7\n", shown)
        self.assertIn("7  <- counts", shown)

    def test_what_no_file_says_is_the_default(self):
        found = self.explain("engine:pull.keep_blobs")
        self.assertEqual((found["Value"], found["Winner"]), ("true", "default"))

    def test_the_environment_names_the_only_file(self):
        self.configure("[engine]\nretry = 5\n", "containers.conf")
        only = self.dir / "only.conf"
        only.write_text("[engine]\nretry = 9\n")
        found = self.explain("retry", env={"CONTAINERS_CONF": str(only)})
        self.assertEqual((found["Value"], found["Winner"]), ("9", str(only)))
        states = {file["Path"]: file["State"] for file in found["Files"]}
        self.assertIn("CONTAINERS_CONF names the only file", states[str(self.folder / "containers.conf")])

    def test_keys_that_nobody_follows(self):
        self.assert_fails(self.engine("config", "explain", "nonsense", check=False), 125, "nonsense")

    def test_the_list(self):
        self.configure('unqualified-search-registries = ["a.io", "b.io"]\n')
        keys = {key["Key"]: key for key in self.engine("config", "list", "--format", "json").json()}
        self.assertEqual(keys["unqualified-search-registries"]["Value"], '["a.io", "b.io"]')
        self.assertEqual(keys["engine.stop_timeout"]["Value"], "10")
        self.assertIn("unqualified-search-registries", self.engine("config", "ls").stdout)
