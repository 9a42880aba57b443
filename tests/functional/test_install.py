"""What `meson install` and the archive of .ci/tarball put where, and that the engine runs from there, also without a C library."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import make_image
from engine_test import BUSYBOX, ENGINE, PATIENCE_SECONDS, Result
from run import USER, make_user, open_fuse, unshare_mounts
from sandbox import become

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(ENGINE).resolve().parents[1]
UNITS = ["lib/systemd/system-generators/engine-system-generator", "lib/systemd/system/engine-auto-update.service",
         "lib/systemd/system/engine-auto-update.timer", "lib/systemd/system/engine-restart.service",
         "lib/systemd/user-generators/engine-user-generator", "lib/systemd/user/engine-auto-update.service",
         "lib/systemd/user/engine-auto-update.timer", "lib/systemd/user/engine-restart.service",
         "lib/systemd/user/engine-user-wait-network-online.service"]
PROGRAMS = ["bin/engine", "bin/engine-runtime", "libexec/engine/engine-transfer"]
COMPLETIONS = ["share/bash-completion/completions/engine", "share/fish/vendor_completions.d/engine.fish",
               "share/zsh/site-functions/_engine"]


def pages():
    """Each page that has prose."""
    for path in (SOURCE / "man").glob("*.md"):
        name, section = re.fullmatch(r"(.*?)(?:\.([57]))?\.md", path.name).groups("1")
        yield f"share/man/man{section}/{name}.{section}"


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


@unittest.skipUnless((BUILD / "build.ninja").exists(), "ENGINE lies in no build directory, from which could be installed")
@unittest.skipUnless(os.getuid() == 0, "only root can own what is installed")
class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.user = make_user(USER, True)
        # Through a folder of mode 0700 no ordinary user would come to it.
        cls.dir = Path(tempfile.mkdtemp(prefix="engine-install-", dir=os.environ.get("TMPDIR", "/var/tmp")))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.dir.chmod(0o755)
        make_image.busybox_image(BUSYBOX).write_archive(cls.dir / "image.tar")
        (cls.dir / "image.tar").chmod(0o644)

    def call(self, *words, check=True, as_user=False, **options):
        def between():
            unshare_mounts()
            open_fuse(self.dir)
            become(self.user)
        words = list(map(str, words))
        (self.dir / "fuse").unlink(missing_ok=True)
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=PATIENCE_SECONDS, preexec_fn=between if as_user else None, **options)
        result = Result(words, done.returncode, done.stdout, done.stderr)
        if check:
            self.assertEqual(result.status, 0, result)
        return result

    def folder(self, name, owner=None):
        place = self.dir / name
        place.mkdir()
        if owner:
            os.chown(place, owner.pw_uid, owner.pw_gid)
        return place

    def pull_and_run(self, engine, name):
        """As the ordinary user, with a store of the user's own."""
        home = self.folder(name, self.user)
        environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(home), "USER": self.user.pw_name, "XDG_RUNTIME_DIR": str(home)}
        words = [engine, "--root", home / "root", "--runroot", home / "run"]
        options = {"as_user": True, "env": environment, "cwd": home}
        self.call(*words, "pull", "-q", f"oci-archive:{self.dir}/image.tar", **options)
        done = self.call(*words, "run", "--rm", "--network", "none", BUSYBOX, "echo", "ok", **options)
        self.assertEqual(done.stdout, "ok\n", done)
        self.call(*words, "unshare", "rm", "-rf", home / "root", **options)

    def archive(self):
        """The archive, made once, and unpacked."""
        made = self.dir / "archive"
        if not made.exists():
            made.mkdir()
            path = self.call(SOURCE / ".ci/tarball", BUILD, made, env={**os.environ, "XZ_OPT": "-0"}).stdout.strip()
            self.call("tar", "-xJf", path, "-C", made)
            Path(path).unlink()
        return next(made.iterdir())

    def test_meson_install(self):
        self.call("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", self.dir / "destination")
        engine = next((self.dir / "destination").rglob("bin/engine"))
        prefix = engine.parents[1]
        self.assertEqual(files_below(prefix), sorted([*PROGRAMS, *UNITS, *COMPLETIONS, *pages()]))
        self.assertEqual(len(files_below(self.dir / "destination")), len(files_below(prefix)))  # nothing beside the prefix
        installed = "/" + str(engine.relative_to(self.dir / "destination"))
        for name in UNITS:
            if name.endswith("-generator"):
                self.assertEqual(os.readlink(prefix / name), installed)
        self.assertIn(f"ExecStart={installed} ", (prefix / "lib/systemd/user/engine-auto-update.service").read_text())
        self.assertEqual(os.readlink(prefix / "bin/engine-runtime"), "engine")
        self.assertEqual((prefix / "libexec/engine/engine-transfer").stat().st_mode & 0o7777, 0o755)
        self.pull_and_run(engine, "home-of-install")

    def test_the_archive_where_its_libraries_are(self):
        place = self.archive()
        self.assertRegex(place.name, r"^engine-\d+\.\d+\.\d+-linux-\w+$")
        self.assertEqual(files_below(place), sorted([*PROGRAMS, *COMPLETIONS, *pages()]))
        self.pull_and_run(place / "bin/engine", "home-of-archive")

    def test_the_archive_where_only_busybox_is(self):
        """No C library, no loader, no /etc."""
        root = self.folder("root")
        for name in ("bin", "proc", "sys", "dev", "tmp", "opt", "box/bin", "box/proc", "box/dev", "box/sys", "box/etc", "box/run"):
            (root / name).mkdir(parents=True)
        for place in (root / "bin", root / "box/bin"):
            shutil.copy("/bin/busybox", place / "busybox")
        os.symlink("busybox", root / "box/bin/sh")
        for place in (root / "box", *(root / "box").iterdir()):
            os.chown(place, self.user.pw_uid, self.user.pw_gid)
        shutil.copytree(self.archive(), root / "opt/engine", symlinks=True)
        loader = Path(re.search(r'which needs "(/.*?)"', self.try_with_busybox_alone(root, "ld-linux"))[1])
        # A C library, but not what is linked besides.
        (root / "etc").mkdir()
        (root / loader.relative_to("/")).parent.mkdir(parents=True)
        shutil.copy(loader, root / loader.relative_to("/"))
        self.call("/sbin/ldconfig", "-r", root)
        self.try_with_busybox_alone(root, 'which needs "lib')
        (root / "opt/engine/libexec/engine/engine-transfer").unlink()
        self.try_with_busybox_alone(root, "libexec/engine/engine-transfer")

    def try_with_busybox_alone(self, root, part):
        """Everything works but transfers, whose message has this part and is returned."""
        def engine(*words, check=True):
            return self.call("bwrap", "--unshare-all", "--ro-bind", root, "/", "--bind", root / "box", "/box", "--proc", "/proc",
                             "--ro-bind", "/sys", "/sys", "--dev", "/dev", "--tmpfs", "/tmp", "/opt/engine/bin/engine",
                             "--root", "/tmp/root", "--runroot", "/tmp/run", *words, check=check, as_user=True, cwd="/",
                             env={"HOME": "/tmp", "PATH": "/usr/local/bin:/usr/bin:/bin"})
        self.assertRegex(engine("--version").stdout, r"^engine version ")
        self.assertEqual(engine("images", "-q").stdout, "")
        ran = engine("run", "--rm", "--network", "none", "--rootfs", "/box", "/bin/sh", "-c", "echo ok in $0", "box")
        self.assertEqual(ran.stdout, "ok in box\n", ran)
        for words in (("pull", "busybox"), ("run", "--rm", "busybox", "true"), ("load", "-i", "/bin/busybox")):
            refused = engine(*words, check=False)
            self.assertEqual(refused.status, 125, refused)
            self.assertRegex(refused.stderr, r"(?m)^Error: .*this command needs engine-transfer", refused)
            self.assertRegex(refused.stderr, r"(?m)^hint: install ", refused)
            self.assertIn(part, refused.stderr)
            self.assertLessEqual(len([line for line in refused.stderr.splitlines() if not line.startswith("Warning")]), 3, refused)
        return refused.stderr


if __name__ == "__main__":
    sys.exit("run it with run.py")
