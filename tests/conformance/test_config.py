"""config.md as a whole: versions, annotations, what is unknown, what is invalid; glossary.md "JSON"; Intel RDT."""

import json
import os

from runtime_test import RuntimeTest


class VersionTest(RuntimeTest):
    def test_every_version_one_is_accepted(self):
        for version in ("1.0.0", "1.0.0-rc1", "1.0.1", "1.0.2-dev", "1.1.0", "1.2.1", "1.3.0", "1.2.0+build.5"):
            with self.subTest(version=version):
                self.config["ociVersion"] = version
                self.assertEqual(self.run_container("true").status, 0)

    def test_a_version_is_needed_in_the_form_of_semver(self):
        for version in (None, "", "1", "1.0", "one", "1.0.x", "v1.0.0", "1.0.0.0", " 1.0.0", 1, "01.0.0"):
            with self.subTest(version=version):
                self.config["ociVersion"] = version
                if version is None:
                    del self.config["ociVersion"]
                self.assert_refused()

    def test_another_major_version_is_refused(self):
        for version in ("2.0.0", "0.5.0", "10.0.0"):
            with self.subTest(version=version):
                self.config["ociVersion"] = version
                self.assert_refused()


class AnnotationTest(RuntimeTest):
    def test_annotations_are_a_map_of_texts(self):
        for annotations in ([], "x", {"key": 1}, {"key": None}, {"key": {"a": "b"}}, {"key": ["x"]}, {"key": True}):
            with self.subTest(annotations=annotations):
                self.config["annotations"] = annotations
                self.assert_refused()

    def test_a_key_may_not_be_empty(self):
        self.config["annotations"] = {"": "value"}
        self.assert_refused()

    def test_unknown_keys_and_those_of_the_specification_are_carried_along(self):
        keys = {"com.example.unknown": "x", "org.opencontainers.image.os": "linux", "org.opencontainers.image.author": "me",
                "org.opencontainers.image.stopSignal": "TERM", "empty": "", "With Blanks": "ä\n"}
        self.config["annotations"] = keys
        self.create("true")
        self.assertEqual(self.state()["annotations"], keys)


class UnknownTest(RuntimeTest):
    def test_unknown_properties_are_ignored(self):
        for place in ([], ["process"], ["process", "user"], ["root"], ["linux"], ["mounts", 0],
                      ["linux", "namespaces", 0]):
            with self.subTest(place=place):
                whole = self.config
                self.config = self.modified([*place, "org.example.unknown"], {"any": ["thing"]})
                self.assertEqual(self.run_container("true").status, 0)
                self.config = whole

    def test_parts_for_other_platforms_are_ignored(self):
        self.config["solaris"] = {"milestone": "x"}
        self.config["windows"] = {"layerFolders": ["x"]}
        self.assertEqual(self.run_container("true").status, 0)

    def test_values_of_the_wrong_type_are_errors(self):
        for path, value in ((["process", "args"], "sh"), (["process", "user", "uid"], "0"), (["root"], []), (["mounts"], {}),
                            (["linux", "namespaces"], "pid"), (["process", "env"], {"A": "1"}), (["hostname"], 5)):
            with self.subTest(path=path, value=value):
                whole = self.config
                self.config = self.modified(path, value)
                self.assert_refused()
                self.config = whole


class JsonTest(RuntimeTest):
    def refused_text(self, text):
        (self.bundle / "config.json").write_bytes(text)
        result = self.runtime("create", "--bundle", self.bundle, self.name, check=False)
        self.assert_error(result)
        self.assert_nothing_left()

    def test_what_is_not_json_is_an_error(self):
        whole = json.dumps(self.config).encode()
        for text in (b"", b"{", b"null", b"[]", whole[:-1], whole + b"x", whole.replace(b"{", b"{,", 1), b"\0" + whole):
            with self.subTest(text=text[:20]):
                self.refused_text(text)

    def test_text_that_is_not_utf_8_is_an_error(self):
        self.config["hostname"] = "MARK"
        self.refused_text(json.dumps(self.config).encode().replace(b"MARK", b"\xff\xfe"))

    def test_a_name_that_stands_twice_is_an_error(self):
        self.refused_text(json.dumps(self.config).encode().replace(b"{", b'{"hostname": "a", "hostname": "b", ', 1))


class IntelRdtTest(RuntimeTest):
    """Without the hardware there is no resctrl file system, and then asking for it is the error that can be tested."""

    def setUp(self):
        super().setUp()
        if any(line.split()[2] == "resctrl" for line in open("/proc/mounts")):
            self.skipTest("this machine has resctrl, and shares it with others")

    def test_without_resctrl_it_is_an_error(self):
        for rdt in ({}, {"closID": "group"}, {"closID": "/"}, {"l3CacheSchema": "L3:0=f"}, {"schemata": ["MB:0=20"]},
                    {"enableMonitoring": True}):
            with self.subTest(rdt=rdt):
                self.config["linux"]["intelRdt"] = rdt
                self.assert_refused()

    def test_values_with_a_line_end_or_of_another_resource_are_errors(self):
        for rdt in ({"memBwSchema": "L3:0=f"}, {"memBwSchema": "MB:0=20\nMB:1=20"}, {"schemata": ["MB:0=20\n"]},
                    {"closID": ".."}, {"closID": "a/b"}):
            with self.subTest(rdt=rdt):
                self.config["linux"]["intelRdt"] = rdt
                self.assert_refused()

    def test_when_it_is_not_asked_for_nothing_is_mounted_or_written(self):
        self.assertEqual(self.run_container("true").status, 0)
        self.assertFalse(os.path.exists("/sys/fs/resctrl/schemata"))
