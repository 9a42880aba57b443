"""engine manifest: lists of images for several platforms, made, changed, pushed byte for byte; skopeo as the judge."""

import json
import shutil

from engine_test import BUSYBOX, EngineTest
from make_image import sha256
from registry_server import RealRegistry
from test_pull import small_image

OCI_INDEX = "application/vnd.oci.image.index.v1+json"


class ManifestTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.registry = RealRegistry(self.dir / "registry")
        self.addCleanup(self.registry.stop)
        self.images = {"amd64": small_image(), "arm64": small_image("other")}
        self.digests = {arch: self.registry.push("team/small", arch, image) for arch, image in self.images.items()}

    def manifest(self, verb, *words, **more):
        remote = verb in ("add", "create", "push", "inspect")
        return self.engine("manifest", verb, *(["--tls-verify=false"] if remote else []), *words, **more)

    def remote(self, arch):
        return f"docker://{self.registry.name}/team/small:{arch}"

    def make_list(self):
        """Of one image of the store and one that stays in the registry."""
        self.engine("pull", "-q", "--tls-verify=false", f"{self.registry.name}/team/small:amd64")
        self.manifest("create", "app")
        self.manifest("add", "--arch", "amd64", "app", f"{self.registry.name}/team/small:amd64")
        self.manifest("add", "--arch", "arm64", "--variant", "v8", "--annotation", "a.b=c", "app", self.remote("arm64"))
        return "localhost/app:latest"

    def entries(self, name="app"):
        return self.manifest("inspect", name).json()["manifests"]

    def raw(self, name):
        return self.tool("skopeo", "inspect", "--raw", "--tls-verify=false", name).stdout.encode()

    def test_a_list_is_made_shown_and_removed(self):
        self.assertEqual(self.manifest("exists", "app", check=False).status, 1)
        made = self.manifest("create", "app").stdout.strip()
        self.assertEqual(len(made), 64)
        self.assertEqual(self.manifest("inspect", "app").json(),
                         {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
        self.assert_fails(self.manifest("create", "app", check=False), 125, "in use")
        self.manifest("create", "--amend", "--annotation", "x=y", "app")
        self.assertEqual(self.manifest("inspect", "app").json()["annotations"], {"x": "y"})
        self.assertEqual(self.manifest("exists", "app").status, 0)
        self.assertEqual([image["Names"] for image in self.engine("images", "--format", "json").json()],
                         [["localhost/app:latest"]])
        self.assertEqual(self.inspect("app")["ManifestType"], OCI_INDEX)
        self.assertIn("Untagged: localhost/app:latest", self.manifest("rm", "app").stdout)
        self.assertEqual(self.engine("images", "-q").stdout, "")
        self.assert_fails(self.manifest("rm", "app", check=False), 1, "app")

    def test_entries_say_what_their_images_or_the_user_say(self):
        self.make_list()
        first, second = self.entries()
        self.assertEqual(first["digest"], self.digests["amd64"])
        self.assertEqual(first["size"], len(self.images["amd64"].manifest_bytes()))
        self.assertEqual((first["platform"]["architecture"], first["platform"]["os"]), ("amd64", "linux"))
        self.assertEqual(second["platform"], {"architecture": "arm64", "os": "linux", "variant": "v8"})
        self.assertEqual(second["annotations"], {"a.b": "c"})
        self.manifest("annotate", "--arch", "s390x", "--os-version", "1", "--features", "x,y", "app",
                      self.digests["arm64"])
        changed = self.entries()[1]["platform"]
        self.assertEqual((changed["architecture"], changed["os.version"], changed["features"]), ("s390x", "1", ["x", "y"]))
        self.manifest("annotate", "--index", "--annotation", "k=v", "app")
        self.manifest("annotate", "--subject", self.registry.name + "/team/small:amd64", "app")
        self.assertEqual(self.manifest("inspect", "app").json()["subject"]["digest"], self.digests["amd64"])
        self.manifest("remove", "app", self.digests["arm64"])
        self.assertEqual([entry["digest"] for entry in self.entries()], [self.digests["amd64"]])
        self.assert_fails(self.manifest("remove", "app", self.digests["arm64"], check=False), 125, "no instance")
        self.assertEqual(len(self.engine("images", "-q").stdout.split()), 2, "older versions of the list are gone")

    def test_pushed_byte_for_byte_also_what_the_store_does_not_have(self):
        self.make_list()
        target = f"docker://{self.registry.name}/published/app:1"
        digest_file = self.dir / "digest"
        printed = self.manifest("push", "--digestfile", digest_file, "app", target).stdout.strip()
        index = self.raw(target)
        self.assertEqual((sha256(index), digest_file.read_text()), (printed, printed))
        self.assertEqual([entry["digest"] for entry in json.loads(index)["manifests"]], list(self.digests.values()))
        for arch, image in self.images.items():
            self.assertEqual(self.raw(f"docker://{self.registry.name}/published/app@{self.digests[arch]}"),
                             image.manifest_bytes())
        self.tool("skopeo", "copy", "--all", "--preserve-digests", "--src-tls-verify=false", target,
                  f"oci:{self.dir}/from-skopeo:1")
        self.manifest("push", "-q", "app", f"oci:{self.dir}/layout:1")
        self.assertEqual(self.raw(f"oci:{self.dir}/layout:1"), index)
        self.manifest("push", "--rm", "-q", "app", f"docker://{self.registry.name}/published/app:2")
        self.assertEqual(self.manifest("exists", "app", check=False).status, 1)

    def test_all_images_of_an_index_and_one_of_them(self):
        self.make_list()
        self.manifest("push", "-q", "app", f"docker://{self.registry.name}/published/app:1")
        published = f"docker://{self.registry.name}/published/app:1"
        self.manifest("create", "--all", "whole", published)
        self.assertEqual(self.entries("whole"), self.entries("app"))
        self.manifest("create", "one")
        self.manifest("add", "--arch", "arm64", "--variant", "v8", "one", published)
        self.assertEqual([entry["digest"] for entry in self.entries("one")], [self.digests["arm64"]])
        self.assertEqual(self.manifest("inspect", published).json(), self.manifest("inspect", "app").json())

    def test_what_a_list_names_stays_until_the_list_goes(self):
        name = f"{self.registry.name}/team/small:amd64"
        self.make_list()
        self.engine("rmi", name)
        self.engine("system", "prune", "--force")
        self.registry.stop()
        shutil.rmtree(self.dir / "registry")
        self.manifest("remove", "app", self.digests["arm64"])
        self.manifest("push", "-q", "app", f"oci:{self.dir}/layout:1")
        self.engine("system", "check")
        self.engine("rmi", "app")
        self.assertFalse([path for path in (self.root / "blobs").rglob("*") if path.is_file()])

    def test_saved_and_loaded(self):
        self.pull_image()
        self.manifest("create", "mine", BUSYBOX)
        index = self.manifest("push", "mine", f"dir:{self.dir}/folder").stdout.strip()
        self.engine("save", "-q", "--format", "oci-archive", "-o", self.dir / "mine.tar", "mine")
        self.assertEqual(sha256(self.raw(f"oci-archive:{self.dir}/mine.tar")), index)
        self.engine("rmi", "mine", BUSYBOX)
        self.engine("load", "-q", "-i", self.dir / "mine.tar")
        self.assertEqual(self.in_container("mine", "/guest", "exit", "7", check=False).status, 7)

    def test_of_two_additions_at_once_none_is_lost(self):
        self.manifest("create", "app")
        adding = [self.start_engine("manifest", "add", "--tls-verify=false", "app", self.remote(arch))
                  for arch in self.images]
        self.assertEqual([process.wait() for process in adding], [0, 0])
        self.assertEqual({entry["digest"] for entry in self.entries()}, set(self.digests.values()))

    def test_run_takes_the_image_for_this_machine(self):
        self.pull_image()
        self.manifest("create", "mine", BUSYBOX)
        self.assertEqual(self.in_container("mine", "/guest", "exit", "7", check=False).status, 7)
        self.manifest("create", "foreign")
        self.manifest("add", "--arch", "s390x", "foreign", self.remote("arm64"))
        self.assert_fails(self.in_container("foreign", "true", check=False), 125, "platform")

    def test_names_and_other_commands(self):
        self.make_list()
        self.engine("tag", "app", "other")
        self.manifest("remove", "app", self.digests["arm64"])
        self.assertEqual((len(self.entries("app")), len(self.entries("other"))), (1, 2))
        self.assert_fails(self.manifest("rm", f"{self.registry.name}/team/small:amd64", check=False), 125, "is an image")
        self.assert_fails(self.manifest("add", "nothing", "x", check=False), 125, "not known")
        self.engine("untag", "other")
        self.engine("image", "prune", "--force")
        self.assertEqual(self.engine("system", "check").status, 0)
        self.assertEqual(len(self.engine("images", "-q").stdout.split()), 2)
