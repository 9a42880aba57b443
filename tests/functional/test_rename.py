"""rename: the new name works at once, for running containers too, and the old one is free."""

from engine_test import BUSYBOX, EngineTest


class RenameTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_the_old_name_is_free_and_the_new_one_works(self):
        id = self.engine("create", "--name", "web", BUSYBOX).stdout.strip()
        self.assertEqual(self.engine("rename", "web", "shop").stdout, "")
        self.assertEqual(self.inspect("shop")["Id"], id)
        self.assertEqual(self.inspect("shop")["Name"], "shop")
        self.assertEqual(self.engine("container", "exists", "web", check=False).status, 1)
        self.engine("create", "--name", "web", BUSYBOX)
        names = self.engine("ps", "-a", "--format", "{{.Names}}").stdout.split()
        self.assertEqual(sorted(names), ["shop", "web"])

    def test_by_the_beginning_of_an_id_and_as_container_rename(self):
        id = self.engine("create", BUSYBOX).stdout.strip()
        self.engine("container", "rename", id[:10], "shop")
        self.assertEqual(self.inspect("shop")["Id"], id)

    def test_a_running_container_goes_on_with_its_log_and_monitor(self):
        self.engine("run", "-d", "--network", "none", "--name", "web", BUSYBOX, "sh", "-c",
                    "echo before; trap 'echo after; exit 7' TERM; while :; do sleep 0.1; done")
        self.wait_for_log("web", "before")
        self.engine("rename", "web", "shop")
        self.assertEqual(self.engine("exec", "shop", "echo", "in").stdout, "in\n")
        self.engine("stop", "shop")
        self.assertEqual(self.engine("logs", "shop").stdout, "before\nafter\n")
        self.assertEqual(self.engine("wait", "shop").stdout, "7\n")
        self.engine("start", "shop")
        self.engine("rm", "-f", "-t", "0", "shop")
        self.assert_no_containers()

    def test_a_container_with_rm_is_removed_with_its_new_name(self):
        id = self.start_sleeper("--rm", "--name", "web")
        self.engine("rename", "web", "shop")
        self.engine("stop", "shop")
        self.assert_no_containers()
        self.assertEqual(list((self.root / "names").iterdir()), [], id)

    def test_names_that_cannot_be(self):
        self.engine("create", "--name", "web", BUSYBOX)
        shop = self.engine("create", "--name", "shop", BUSYBOX).stdout.strip()
        self.assert_fails(self.engine("rename", "web", "shop", check=False), 125, '"shop" is already in use', shop)
        self.assert_fails(self.engine("rename", "web", "web", check=False), 125, "already")
        self.assert_fails(self.engine("rename", "web", "../x", check=False), 125, "not valid")
        self.assert_fails(self.engine("rename", "nothing", "x", check=False), 125, '"nothing"')
        self.assert_fails(self.engine("rename", "web", check=False), 125, "NAME")
        self.assertEqual(len(list((self.root / "names").iterdir())), 2)
        self.engine("container", "exists", "web")

    def test_of_many_at_once_one_gets_the_name(self):
        ids = [self.engine("create", BUSYBOX).stdout.strip() for _ in range(6)]
        renames = [self.start_engine("rename", id, "shop") for id in ids]
        statuses = [process.wait(60) for process in renames]
        self.assertEqual(sorted(statuses), [0, 125, 125, 125, 125, 125])
        self.assertEqual(self.inspect("shop")["Id"], ids[statuses.index(0)])
        self.assertEqual(len(list((self.root / "names").iterdir())), 6)


if __name__ == "__main__":
    import unittest
    unittest.main()
