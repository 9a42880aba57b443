"""Benchmarks of images that leave the store: push."""

import shutil
import statistics

import debian_image
import surroundings
from measure import Goal


def push(bench, cache):
    """Every layer goes to a registry that has none of them. podman compresses its layers again; skopeo, from an OCI
    folder, sends what lies there, as engine does."""
    variant = "large-gzip"
    layout = cache / variant
    if not (layout / "index.json").exists():
        return bench.left_out.append(f"push: {layout} is missing; start as root once")
    if not shutil.which("docker-registry"):
        return bench.left_out.append("push: docker-registry is not installed")
    folder = bench.stage / "push-registry"
    registry = surroundings.Registry(folder, bench.environment)
    bench.settle.accept_present()
    name = registry.name("pushed")

    def forget():
        shutil.rmtree(folder / "data", ignore_errors=True)

    image = bench.call_engine("pull", "-q", f"oci:{layout}:latest").splitlines()[-1]
    contenders = [bench.ours("push", "-q", "--tls-verify=false", image, name, clean_up=forget)]
    if bench.podman:
        bench.podman.call("pull", "-q", f"oci:{layout}:latest")
        of_podman = bench.podman.call("images", "-q").splitlines()[0]
        contenders.append(bench.theirs("push", "-q", "--tls-verify=false", of_podman, name, clean_up=forget))
    for skopeo in bench.other("skopeo copy from oci:", "skopeo", "copy", "-q", "--dest-tls-verify=false",
                              f"oci:{layout}:latest", f"docker://{name}"):
        skopeo.clean_up = forget
        contenders.append(skopeo)
    bench.measure(f"push to a local registry: {debian_image.describe(layout)}", contenders,
                  Goal("podman", 5, peak_mib=64) if bench.podman else None, runs=bench.words.pull_runs)
    ours, theirs = contenders[0], contenders[-1]
    if ours.seconds and theirs.seconds and theirs.name.startswith("skopeo"):
        ratio = statistics.median(theirs.seconds) / statistics.median(ours.seconds)
        bench.remarks.append(f"push: skopeo takes {ratio:.2f} times as long; the goal is 1 at least")
    registry.stop()
    bench.call_engine("rmi", image)
    if bench.podman:
        bench.podman.call("rmi", "-f", of_podman)
