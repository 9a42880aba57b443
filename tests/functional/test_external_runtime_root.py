"""The stories of test_external_runtime, of root."""

import os
import unittest

import test_external_runtime as of_a_user


@unittest.skipUnless(os.getuid() == 0, "these are about root")
class AsRoot:
    test_other_ids = test_flags_of_volumes_with_other_ids = None  # root's users have no others by default

    def test_it_is_root(self):
        self.assertEqual(self.run_once(of_a_user.BUSYBOX, "cat", "/proc/self/uid_map").stdout.split()[:2], ["0", "0"])


class CrunAsRootTest(AsRoot, of_a_user.CrunTest):
    pass


class RuncAsRootTest(AsRoot, of_a_user.RuncTest):
    pass


class RunscAsRootTest(AsRoot, of_a_user.RunscTest):
    test_it_is_root = None  # its kernel has no such file
