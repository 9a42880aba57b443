"""Layers made for other ids: what nobody needs is pruned, what is damaged is made again; the user of a container."""

from engine_test import BUSYBOX, EngineTest
from test_userns import own_range


class VariantTest(EngineTest):
    def setUp(self):
        super().setUp()
        if not own_range():
            self.skipTest("this user has no subordinate ids")
        self.pull_image()

    def variants(self):
        return sorted({path.name for path in (self.root / "layers").glob("*/*") if path.is_dir()})

    def test_layers_for_ids_that_no_container_has_are_pruned(self):
        before = self.variants()
        self.engine("create", "--name", "box", "--userns", "keep-id:uid=7,gid=7", "--network", "none", BUSYBOX, "true")
        self.assertEqual(len(self.variants()), 2)
        self.engine("image", "prune", "--force")
        self.assertEqual(len(self.variants()), 2)
        self.engine("rm", "box")
        self.assertIn("Layers made for other ids", self.engine("system", "df", "-v").stdout)
        self.engine("image", "prune", "--force")
        self.assertEqual(self.variants(), before)
        self.assertEqual(self.engine("system", "check", "--deep").stdout, "The store is sound.\n")

    def test_a_lost_layer_of_other_ids_is_made_again(self):
        before = self.variants()
        self.engine("run", "--name", "box", "--userns", "keep-id:uid=7,gid=7", "--network", "none", BUSYBOX, "id", "-u")
        made = (set(self.variants()) - set(before)).pop()
        layer = next(path for path in (self.root / "layers").glob("*/" + made))
        self.engine("unshare", "rm", "-rf", layer / "diff")
        self.assertEqual(self.engine("system", "check", check=False).status, 1)
        self.engine("system", "check", "--repair", check=False)
        self.assertEqual(self.engine("system", "check").stdout, "The store is sound.\n")
        self.assertEqual(self.engine("start", "-a", "box").stdout, "7\n")

    def test_inspect_and_containers_conf(self):
        conf = self.dir / "containers.conf"
        conf.write_text('[containers]\nuserns = "keep-id:uid=7,gid=7"\n')
        self.engine("create", "--name", "box", "--network", "none", BUSYBOX, "true", env={"CONTAINERS_CONF": str(conf)})
        host = self.inspect("box")["HostConfig"]
        self.assertEqual(host["UsernsMode"], "private")
        self.assertRegex(host["IDMappings"]["UidMap"][0], r"^0:\d+:7$")
        self.engine("create", "--name", "plain", "--network", "none", BUSYBOX, "true")
        self.assertEqual(self.inspect("plain")["HostConfig"]["UsernsMode"], "")

    def test_a_user_that_is_a_number_gets_a_line(self):
        show = (BUSYBOX, "tail", "-n", "1", "/etc/passwd")
        self.assertEqual(self.in_container("--user", "1234", *show).stdout, "1234:*:1234:0:container user:/:/bin/sh\n")
        self.assertNotIn("1234", self.in_container("--user", "1234", "--passwd=false", *show).stdout)
        line = self.in_container("--user", "1234", "--passwd-entry", "me:*:$UID:$GID::$HOME:/bin/sh", *show).stdout
        self.assertEqual(line, "me:*:1234:0::/:/bin/sh\n")
