#!/usr/bin/env python3
"""Completes command lines with the generated bash completion. usage: test_completion_bash.py COMPLETION_FILE"""
import subprocess
import sys
import unittest

COMPLETION = sys.argv.pop(1)

# `engine` is a function here, so that no store is needed.
SCRIPT = """
engine() { [[ $1 == _complete ]] && case $2 in
  containers) echo web; echo worker ;; running_containers) echo web ;; images) echo busybox:latest; echo busybox:1; echo localhost:5000/a:1 ;;
esac; }
compopt() { :; }
source "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=(engine)
_engine
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(line):
    done = subprocess.run(["bash", "-c", SCRIPT, "bash", COMPLETION, line], capture_output=True, text=True, check=True)
    assert done.stderr == "", done.stderr
    return sorted(word for word in done.stdout.split("\n") if word)


class CompletionTest(unittest.TestCase):
    def test_commands_are_offered_first(self):
        self.assertEqual(complete("engine ru"), ["run", "runtime"])
        self.assertIn("container", complete("engine "))
        self.assertNotIn("describe", complete("engine "))

    def test_a_group_offers_its_commands(self):
        self.assertEqual(complete("engine image l"), ["list", "load", "ls"])
        self.assertIn("exists", complete("engine container "))

    def test_the_runtime_has_commands_and_options_of_its_own(self):
        self.assertEqual(complete("engine runtime st"), ["start", "state"])
        self.assertEqual(complete("engine runtime --root /tmp/x create --pid"), ["--pid-file"])
        self.assertEqual(complete("engine runtime --cgroup-manager s"), ["systemd"])

    def test_options_of_the_command_are_offered(self):
        self.assertEqual(complete("engine run --ent"), ["--entrypoint"])
        self.assertEqual(complete("engine container rm --vol"), ["--volumes"])
        self.assertEqual(complete("engine --storage-d"), ["--storage-driver"])

    def test_values_are_offered_behind_their_option(self):
        self.assertEqual(complete("engine run --pull "), ["always", "missing", "never", "newer"])
        self.assertEqual(complete("engine run --pull=n"), ["never", "newer"])
        self.assertEqual(complete("engine --storage-driver o"), ["overlay"])

    def test_a_global_option_does_not_hide_the_command(self):
        self.assertEqual(complete("engine --root /tmp/x ps --lat"), ["--latest"])
        self.assertEqual(complete("engine --debug ps --lat"), ["--latest"])

    def test_names_of_containers(self):
        self.assertEqual(complete("engine rm w"), ["web", "worker"])
        self.assertEqual(complete("engine rm -f web w"), ["web", "worker"])
        self.assertEqual(complete("engine stop "), ["web"])
        self.assertEqual(complete("engine exec -it "), ["web"])

    def test_names_of_images_break_at_colons(self):
        self.assertEqual(complete("engine run -it --rm -e A=1 busy"), ["busybox:1", "busybox:latest"])
        self.assertEqual(complete("engine run busybox:l"), ["latest"])
        self.assertEqual(complete("engine rmi localhost:5000/a"), ["5000/a:1"])

    def test_after_the_image_only_files(self):
        self.assertNotIn("--rm", complete("engine run busybox --r"))


unittest.main()
