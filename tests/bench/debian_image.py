"""Debian images, made once with mmdebstrap: more than 100 MB compressed, as plain gzip, gzip in four layers and zstd; and
one of a gigabyte in nine layers with some 60 000 files."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

# With these, minbase is about 130 MB as gzip, or nearly a gigabyte unpacked.
PACKAGES = {"debian": "python3,g++,git",
            "large": "python3,g++,git,golang-1.19-src,python3-django,perl-doc,linux-headers-amd64,nodejs,npm"}
MIN_COMPRESSED_BYTES = 100_000_000
# name: tree, compression, number of layers
VARIANTS = {"gzip": ("debian", "gzip", 1), "gzip4": ("debian", "gzip", 4), "zstd": ("debian", "zstd", 1)}
LARGE_VARIANTS = {"large-gzip": ("large", "gzip", 9), "large-zstd": ("large", "zstd", 9)}
COMPRESS = {"gzip": ["gzip", "-6", "-n", "-c"], "zstd": ["zstd", "-q", "-3", "-c"]}
MANIFEST, CONFIG = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.config.v1+json"


def make_tree(cache: Path, name: str):
    """The tar of a root file system in `cache`, made if it is not there."""
    tree = cache / f"{name}.tar"
    if not (cache / f"{name}.complete").exists():
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--include=" + PACKAGES[name], "bookworm", tree],
                       check=True)
        (cache / f"{name}.complete").touch()
    return tree


def make_images(cache: Path, variants: dict):
    """Makes what is missing in `cache`: one OCI layout per variant. Needs root once, for mmdebstrap."""
    cache.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name, (tree_name, compression, layers) in variants.items():
        if (cache / name / "index.json").exists():
            continue
        tree = make_tree(cache, tree_name)
        with tempfile.TemporaryDirectory(dir=cache) as staging:
            layout = Path(staging) / "layout"
            write_layout(layout, tree, compression, layers, Path(staging))
            for folder, folders, files in os.walk(layout):
                os.chmod(folder, 0o755)
                for file in files:
                    os.chmod(os.path.join(folder, file), 0o644)
            shutil.rmtree(cache / name, ignore_errors=True)
            layout.rename(cache / name)


def split_tree(tree: Path, count: int, folder: Path):
    """The tar `tree` as `count` tars of about equal size. A hard link goes where its target is, and each part repeats
    the directories above its files, as layers made by a builder do."""
    parts = [folder / f"part{number}.tar" for number in range(count)]
    share = tree.stat().st_size / count
    with tarfile.open(tree) as whole:
        outputs = [tarfile.open(part, "w", format=tarfile.PAX_FORMAT) for part in parts]
        directories, present, home = {}, [set() for _ in parts], {}
        for member in whole:
            number = min(int(member.offset / share), count - 1)
            if member.islnk():
                number = home[member.linkname]
            home[member.name] = number
            if member.isdir():
                directories[member.name] = member
            for parent in reversed(Path(member.name).parents):
                known = directories.get(str(parent)) or directories.get("./" + str(parent))
                if known is not None and known.name not in present[number]:
                    outputs[number].addfile(known)
                    present[number].add(known.name)
            if member.name not in present[number]:
                outputs[number].addfile(member, whole.extractfile(member) if member.isreg() else None)
                present[number].add(member.name)
        for output in outputs:
            output.close()
    return parts


def file_digest(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return "sha256:" + digest.hexdigest()


def write_layout(layout, tree, compression, count, staging):
    blobs = layout / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": kind, "digest": "sha256:" + digest, "size": len(data)}

    layers, diff_ids = [], []
    for part in split_tree(tree, count, staging) if count > 1 else [tree]:
        packed = staging / "packed"
        with open(part, "rb") as source, open(packed, "wb") as target:
            subprocess.run(COMPRESS[compression], stdin=source, stdout=target, check=True)
        digest = file_digest(packed)
        layers.append({"mediaType": "application/vnd.oci.image.layer.v1.tar+" + compression, "digest": digest,
                       "size": packed.stat().st_size})
        diff_ids.append(file_digest(part))
        packed.rename(blobs / digest[7:])
    total = sum(layer["size"] for layer in layers)
    if total < MIN_COMPRESSED_BYTES:
        raise SystemExit(f"the image has only {total} bytes compressed; add packages")
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    config = put(json.dumps({"architecture": architecture, "os": "linux", "config": {"Cmd": ["bash"]},
                             "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode(), CONFIG)
    manifest = put(json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}).encode(),
                   MANIFEST)
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [
        {**manifest, "annotations": {"org.opencontainers.image.ref.name": "latest"}}]}))


def describe(layout: Path):
    """One line: layers and compressed size."""
    digest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    layers = json.loads((layout / "blobs/sha256" / digest[7:]).read_text())["layers"]
    return f"{len(layers)} layer{'s' if len(layers) > 1 else ''}, {sum(one['size'] for one in layers) / 1e6:.0f} MB"
