"""apt and dpkg where there is only one id: a package whose files and scripts want others is installed all the same."""

import hashlib
import io
import tarfile

from debian import debian_tar
from engine_test import BUSYBOX, EngineTest
from make_image import Image, directory_entry, file_entry, tar_of

CONTROL = """Package: toy
Version: 1.0
Architecture: all
Maintainer: Nobody <nobody@localhost>
Description: files and a user of its own
"""
AFTER = """#!/bin/sh
set -e
groupadd --system toy
useradd --system --gid toy --no-create-home toy
chown toy:toy /var/lib/toy
chmod 2750 /var/lib/toy
mknod /var/lib/toy/null c 1 3
"""
INSTALL = "apt-get -q -o Dir::Etc::sourcelist=/repository/sources.list -o Dir::Etc::sourceparts=- {0} update && " \
          "apt-get -q -y -o Dir::Etc::sourcelist=/repository/sources.list -o Dir::Etc::sourceparts=- {0} install toy"
OFF = "--root-emulation=false"


def member(name, content):
    """A file of an ar archive. Source: deb(5)."""
    return f"{name:<16}{0:<12}{0:<6}{0:<6}{0o100644:<8o}{len(content):<10}`\n".encode() + content + b"\n" * (len(content) % 2)


def package():
    control = tar_of([(file_entry("./control"), CONTROL.encode()), (file_entry("./postinst", 0o755), AFTER.encode())])
    data = tar_of([(directory_entry("./var"), b""), (directory_entry("./var/lib"), b""),
                   (directory_entry("./var/lib/toy", 0o755, 0, 8), b""), (file_entry("./var/lib/toy/mail", 0o2640, 33, 8), b"toy\n")])
    return b"!<arch>\n" + member("debian-binary", b"2.0\n") + member("control.tar", control) + member("data.tar", data)


class PackagesTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_debian()
        self.make_repository()

    def pull_debian(self):
        layer = io.BytesIO()
        with tarfile.open(debian_tar(self)) as source, tarfile.open(fileobj=layer, mode="w", format=tarfile.PAX_FORMAT) as target:
            for entry in source:
                # An ordinary user cannot make devices; the rest is for nobody here.
                if not entry.name.removeprefix("./").startswith(("dev/", "usr/share/doc/", "usr/share/locale/")):
                    target.addfile(entry, source.extractfile(entry) if entry.isreg() else None)
        image = Image(BUSYBOX)
        image.add_layer(layer.getvalue(), "none")
        self.engine("pull", "-q", self.archive(image))

    def make_repository(self):
        repository = self.dir / "repository"
        repository.mkdir()
        content = package()
        (repository / "toy.deb").write_bytes(content)
        (repository / "Packages").write_text(f"{CONTROL}Filename: ./toy.deb\nSize: {len(content)}\n"
                                             f"SHA256: {hashlib.sha256(content).hexdigest()}\n")
        (repository / "sources.list").write_text("deb [trusted=yes] file:/repository ./\n")

    def in_debian(self, *words, **options):
        return self.in_container(*words[:-1], "-v", f"{self.dir}/repository:/repository:ro", BUSYBOX, "sh", "-c", words[-1], **options)

    def test_a_package_is_installed(self):
        self.assert_needs_emulation()
        shown = self.in_debian("{ " + INSTALL.format("") + "; } >&2 && dpkg-query -W -f '${Status}' toy && cat /var/lib/toy/mail && id -gn toy && "
                               "stat -c %a /var/lib/toy && apt-get -q -y purge toy >&2 && test ! -e /var/lib/toy/mail && echo gone")
        self.assertEqual(shown.stdout.splitlines(), ["install ok installedtoy", "toy", "2750", "gone"], shown)

    def assert_needs_emulation(self):
        """Without it, neither apt begins, nor, when it is told to stay root, does dpkg."""
        for option, complaint in (("", "setgroups 65534 failed"), ("-o APT::Sandbox::User=root", "Sub-process /usr/bin/dpkg returned an error")):
            done = self.in_debian(OFF, INSTALL.format(option), check=False)
            self.assertNotEqual(done.status, 0, done)
            self.assertIn(complaint, done.stderr, done)
