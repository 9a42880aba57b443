"""Benchmarks of images in files: save and load."""

import shutil
import subprocess

import debian_image
from measure import Contender, Goal


def save(bench, cache):
    """An image of some layers to an archive of docker save, whose layers are uncompressed, and to one in OCI layout."""
    layout = large_layout(bench, cache, "save")
    if not layout:
        return
    image = bench.call_engine("pull", "-q", f"oci:{layout}:latest").splitlines()[-1]
    of_podman = None
    if bench.podman:
        bench.podman.call("pull", "-q", f"oci:{layout}:latest")
        of_podman = bench.podman.call("images", "-q").splitlines()[0]
    for format in ("docker-archive", "oci-archive"):
        target = bench.stage / "saved.tar"

        def forget():
            target.unlink(missing_ok=True)

        words = ("save", "-q", "--format", format, "-o", target)
        contenders = [bench.ours(*words, image, clean_up=forget)]
        if bench.podman:
            contenders.append(bench.theirs(*words, of_podman, clean_up=forget))
        for skopeo in bench.other("skopeo copy from oci:", "skopeo", "copy", "-q", f"oci:{layout}:latest",
                                  f"{format}:{target}:localhost/x:1"):
            skopeo.clean_up = forget
            contenders.append(skopeo)
        bench.measure(f"save as {format}: {debian_image.describe(layout)}", contenders,
                      Goal("podman", 3, peak_mib=64) if bench.podman else None, runs=bench.words.pull_runs)
    bench.call_engine("rmi", image)
    if bench.podman:
        bench.podman.call("rmi", "-f", of_podman)


def load(bench, cache):
    """The archive that skopeo makes of it, into an empty store each time."""
    layout = large_layout(bench, cache, "load")
    if not layout or not shutil.which("skopeo"):
        return bench.left_out.append("load: skopeo is not installed") if layout else None
    archive = bench.stage / "to-load.tar"
    subprocess.run(["skopeo", "copy", "-q", f"oci:{layout}:latest", f"docker-archive:{archive}:localhost/x:1"],
                   env=bench.environment, check=True)
    store = bench.stage / "load"

    def call(command, environment):
        subprocess.run([str(word) for word in command], env=environment, stdin=subprocess.DEVNULL, capture_output=True)

    ours = [bench.engine_program, "--root", str(store), "--runroot", str(bench.stage / "load-run")]
    contenders = [Contender("engine", [*ours, "load", "-q", "-i", str(archive)], bench.environment,
                            prepare=lambda: call([*ours, "images"], bench.environment),
                            clean_up=lambda: call([*ours, "unshare", "rm", "-rf", store], bench.environment))]
    if bench.podman:
        place = bench.stage / "podman-load"
        words = ("--root", place / "store", "--runroot", place / "run")
        contenders.append(bench.theirs(
            *words, "load", "-q", "-i", archive,
            prepare=lambda: call(bench.podman.words(*words, "images"), bench.podman.environment),
            clean_up=lambda: call(bench.podman.words("unshare", "rm", "-rf", place), bench.podman.environment)))
    bench.measure(f"load of an archive of docker save: {debian_image.describe(layout)}", contenders,
                  Goal("podman", 3, peak_mib=64) if bench.podman else None, runs=bench.words.pull_runs)
    archive.unlink()


def large_layout(bench, cache, what):
    layout = cache / "large-gzip"
    if (layout / "index.json").exists():
        return layout
    bench.left_out.append(f"{what}: {layout} is missing; start as root once")
    return None
