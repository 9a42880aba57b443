"""Benchmarks of what needs no store: copy between registries; tags and digest beside curl doing the same requests."""

import shutil

import debian_image
import surroundings
from measure import Goal


def _registry(bench, name):
    registry = surroundings.Registry(bench.stage / name, bench.environment)
    bench.settle.accept_present()
    return registry


def copy(bench, cache):
    """A large image from one local registry to another that has nothing of it; skopeo does the same."""
    layout = cache / "large-gzip"
    if not (layout / "index.json").exists():
        return bench.left_out.append(f"copy: {layout} is missing; start as root once")
    if not shutil.which("docker-registry") or not shutil.which("skopeo"):
        return bench.left_out.append("copy: docker-registry or skopeo is not installed")
    source, target = _registry(bench, "copy-source"), _registry(bench, "copy-target")
    source.push(layout, "large")

    def forget():
        shutil.rmtree(bench.stage / "copy-target" / "data", ignore_errors=True)

    contenders = [bench.ours("copy", "-q", "--tls-verify=false", source.name("large"), target.name("large"),
                             clean_up=forget)]
    for skopeo in bench.other("skopeo copy", "skopeo", "copy", "-q", "--src-tls-verify=false",
                              "--dest-tls-verify=false", f"docker://{source.name('large')}",
                              f"docker://{target.name('large')}"):
        skopeo.clean_up = forget
        contenders.append(skopeo)
    bench.measure(f"copy between two local registries: {debian_image.describe(layout)}", contenders,
                  Goal("skopeo copy", 1, peak_mib=64), runs=bench.words.pull_runs)
    source.stop()
    target.stop()


def tags(bench, cache):
    """One list of tags and one digest of a local registry: at most three times what curl takes for the same requests."""
    layout = cache / "large-gzip"
    if not shutil.which("curl") or not shutil.which("docker-registry") or not (layout / "index.json").exists():
        return bench.left_out.append("tags: curl, docker-registry or the image is missing")
    registry = _registry(bench, "tags-registry")
    name = registry.name("many")
    registry.push(layout, "many")
    host, repository = name.rsplit(":", 1)[0].split("/", 1)
    url = f"http://{host}/v2/{repository}"
    requests = {"tags": (["tags", "--tls-verify=false", f"{host}/{repository}"], ["-sf", f"{url}/tags/list?n=1000"]),
                "digest": (["digest", "--tls-verify=false", name], ["-sfI", f"{url}/manifests/latest"])}
    for command, (ours, curls) in requests.items():
        bench.measure(f"{command} of a local registry",
                      [bench.ours(*ours), *bench.other("curl", "curl", *curls)], Goal("curl", 1 / 3),
                      runs=bench.words.runs)
    registry.stop()
