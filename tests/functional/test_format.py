"""--format: Go templates, as scripts written for podman and docker use them."""

import json
import unittest

from engine_test import BUSYBOX, EngineTest


class FormatTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def make(self, *options):
        self.engine("create", "--name", "web", "--network", "none", "--label", "team=a", "-e", "KEY=value",
                    "-v", "data:/data", *options, BUSYBOX, "sleep", "100")

    def shown(self, *words, template):
        return self.engine(*words, "--format", template).stdout

    def test_what_scripts_ask_of_a_container(self):
        self.make()
        found = json.loads(self.engine("inspect", "web").stdout)[0]
        for template, expected in (
                ("{{.Id}}", found["Id"]), ("{{.ID}}", found["Id"]), ("{{.Name}}", "web"),
                ("{{.State.Status}} {{.State.Running}} {{.State.ExitCode}}", "created false 0"),
                ("{{.State.Health.Status}}", ""), ("{{.NetworkSettings.IPAddress}}", ""),
                ("{{json .NetworkSettings.Ports}}", "{}"), ("{{json .Config.Cmd}}", '["sleep","100"]'),
                ('{{index .Config.Labels "team"}}', "a"), ("{{.HostConfig.NetworkMode}}", "none"),
                ("{{.HostConfig.RestartPolicy.Name}}", ""), ("{{.Config.StopSignal}}", "SIGTERM"),
                ("{{range .Mounts}}{{.Destination}}{{end}}", "/data"),
                ('{{if .State.Running}}yes{{else}}no{{end}}', "no"),
                ('{{range .Config.Env}}{{if eq . "KEY=value"}}{{.}}{{end}}{{end}}', "KEY=value"),
                ("{{printf \"%.12s\" .Id}}", found["Id"][:12]),
                ("{{.GraphDriver.Data.UpperDir}}", found["StaticDir"] + "/upper")):
            with self.subTest(template):
                self.assertEqual(self.shown("inspect", "web", template=template), expected + "\n")

    def test_each_object_is_a_template_of_its_own_where_only_docker_knows_it(self):
        self.make()
        self.engine("volume", "create", "--label", "purpose=tests", "labelled")
        for words, template, expected in (
                (("inspect", "web", "web"), "{{with .Config}}{{$.Name}}{{end}}", "web\nweb\n"),
                (("inspect", "web"), '{{define "t"}}<{{.}}>{{end}}{{template "t" .Name}}', "<web>\n"),
                (("volume", "ls", "--filter", "name=labelled"), '{{.Label "purpose"}}|{{.Label "none"}}', "tests|\n")):
            with self.subTest(template):
                self.assertEqual(self.shown(*words, template=template), expected)

    def test_lists_and_their_tables(self):
        self.make()
        self.assertEqual(self.shown("ps", "-a", template="{{.Names}}\\t{{.Image}}"), f"web\t{BUSYBOX}\n")
        self.assertEqual(self.shown("ps", "-a", template="table {{.Names}} {{.State}}"),
                         "NAMES       STATE\nweb         created\n")
        self.assertEqual(self.shown("ps", "-a", template='{{.Label "team"}}{{.Label "none"}}'), "a\n")
        self.assertEqual(self.shown("ps", template="{{.Names}}"), "")
        self.assertEqual(self.shown("images", template="{{.Repository}}:{{.Tag}}"), f"{BUSYBOX}\n")
        self.assertEqual(self.shown("volume", "ls", template="table {{.Name}} {{.Driver}}"),
                         "VOLUME NAME  DRIVER\ndata         local\n")
        self.assertEqual(self.shown("volume", "inspect", "data", template="{{.Name}} {{.Scope}}"), "data local\n")
        self.assertEqual(self.shown("history", BUSYBOX, template="{{.ID}}"), self.engine("history", "-q", BUSYBOX).stdout)
        self.assertIn("Images 1 1\n", self.shown("system", "df", template="{{.Type}} {{.Total}} {{.Active}}"))
        self.assertEqual(self.engine("ps", "-a", "--format", "{{json .}}").json()[0]["Names"], ["web"])

    def test_the_host_and_the_version(self):
        self.assertEqual(self.shown("info", template="{{.Host.OS}} {{.Store.ImageStore.Number}}"), "linux 1\n")
        client = self.shown("version", template="{{.Client.Version}}")
        self.assertEqual(client, self.shown("version", template="{{.Server.Version}}"))
        self.assertEqual(client, self.shown("version", template="{{.Version}}"))

    def test_a_wrong_template_is_an_error_with_its_place(self):
        self.make()
        for template, words in (
                ("{{.Foo}}", "template: ps:1:13: executing \"ps\" at <.Foo>: can't evaluate field Foo in type "
                             "containers.psReporter"),
                ("{{.Names", "template: ps:1: bad character U+007B '{'"), ("{{nope .Names}}", 'function "nope" not defined'),
                ("x\\n{{.Names | lower 3}}", "template: ps:2:11: executing \"ps\" at <lower>")):
            with self.subTest(template):
                result = self.engine("ps", "-a", "--format", template, check=False)
                self.assertEqual(result.status, 125, result)
                self.assertIn(words, result.stderr)

    def test_what_was_said_before_an_error_is_said(self):
        self.make()
        result = self.engine("ps", "-a", "--format", "{{.Names}} {{.Foo}}", check=False)
        self.assertEqual((result.status, result.stdout), (125, "web "))

    def test_a_template_that_never_ends_is_stopped(self):
        loop = '{{define "t"}}{{template "t" .}}{{end}}{{template "t" .}}'
        result = self.engine("info", "--format", loop, check=False)
        self.assertEqual(result.status, 125, result)
        self.assertIn("exceeded maximum template depth", result.stderr)


if __name__ == "__main__":
    unittest.main()
