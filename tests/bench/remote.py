"""Benchmarks beside a local registry: copy between two of them; tags and digest beside curl doing the same requests;
eight pulls at once."""

import os
import shlex
import shutil
import subprocess

import debian_image
import make_image
import surroundings
from measure import Contender, Goal

AT_ONCE = 8
# Without them a registry looks for the oldest form of a manifest, and has none.
MANIFEST_TYPES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json",
                  "application/vnd.docker.distribution.manifest.v2+json",
                  "application/vnd.docker.distribution.manifest.list.v2+json")


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
                "digest": (["digest", "--tls-verify=false", name], ["-sfI", "-H", "Accept: " + ", ".join(MANIFEST_TYPES),
                                                                        f"{url}/manifests/latest"])}
    for command, (ours, curls) in requests.items():
        bench.measure(f"{command} of a local registry",
                      [bench.ours(*ours), *bench.other("curl", "curl", *curls)], Goal("curl", 1 / 3),
                      runs=bench.words.runs)
    registry.stop()


def _eight_images(bench, registry):
    """Images that share nothing: two layers of eight megabytes, half of which compress well."""
    for number in range(AT_ONCE):
        image = make_image.Image(f"localhost/eight:{number}")
        for layer in range(2):
            files = [(f"file{number}-{layer}-{part}", os.urandom(1 << 18) + bytes(1 << 18)) for part in range(16)]
            image.add_layer(make_image.tar_of(files))
        archive = bench.stage / "eight.tar"
        image.write_archive(archive)
        bench.call_engine("copy", "-q", "--tls-verify=false", f"oci-archive:{archive}", registry.name(f"eight{number}"))
        archive.unlink()


def eight(bench):
    """Eight pulls at once into one store, and the same one after the other."""
    if not shutil.which("docker-registry"):
        return bench.left_out.append("eight pulls: docker-registry is not installed")
    registry = _registry(bench, "eight-registry")
    _eight_images(bench, registry)
    store = bench.stage / "eight"
    engine = [bench.engine_program, "--root", str(store), "--runroot", str(bench.stage / "eight-run")]
    pulls = [shlex.join([*engine, "pull", "-q", "--tls-verify=false", registry.name(f"eight{number}")])
             for number in range(AT_ONCE)]

    def forget():
        subprocess.run([*engine, "unshare", "rm", "-rf", str(store)], env=bench.environment, capture_output=True)

    def contender(name, script):
        return Contender(name, ["/bin/sh", "-c", script], bench.environment, clean_up=forget)

    waits = "; ".join(f"wait $p{number} || exit 1" for number in range(AT_ONCE))
    at_once = "\n".join(f"{pull} & p{number}=$!" for number, pull in enumerate(pulls))
    bench.measure(f"{AT_ONCE} pulls from a local registry, 16 MB in two layers each",
                  [contender("engine, at once", f"{at_once}\n{waits}"),
                   contender("engine, one after the other", " && ".join(pulls))],
                  Goal("engine, one after the other", 1), runs=bench.words.pull_runs)
    registry.stop()
