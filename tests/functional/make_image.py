#!/usr/bin/env python3
"""Makes small OCI images without a registry: used by ./quickstart and by the functional tests.

    make_image.py --busybox FILE.tar        an oci-archive with a busybox-static root file system
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import platform
import subprocess
import tarfile
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
LAYER_TYPES = {
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
    "none": "application/vnd.oci.image.layer.v1.tar",
}
DOCKER_TYPES = {
    "application/vnd.oci.image.manifest.v1+json": "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json": "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.config.v1+json": "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.layer.v1.tar+gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.oci.image.layer.v1.tar": "application/vnd.docker.image.rootfs.diff.tar",
}


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def compress(data: bytes, how: str) -> bytes:
    if how == "gzip":
        return gzip.compress(data, mtime=0)
    if how == "zstd":
        return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def decompress(data: bytes, media_type: str) -> bytes:
    if media_type.endswith("gzip"):
        return gzip.decompress(data)
    if media_type.endswith("zstd"):
        return subprocess.run(["zstd", "-q", "-d", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def tar_of(entries) -> bytes:
    """A tar of (TarInfo or name, bytes) pairs; a name alone becomes a regular file of mode 0644."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry, content in entries:
            info = entry if isinstance(entry, tarfile.TarInfo) else file_entry(entry)
            if info.isreg():
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return buffer.getvalue()


def file_entry(name, mode=0o644, uid=0, gid=0, mtime=1_600_000_000):
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid, info.mtime = mode, uid, gid, mtime
    return info


def directory_entry(name, mode=0o755, uid=0, gid=0):
    info = file_entry(name, mode, uid, gid)
    info.type = tarfile.DIRTYPE
    return info


def link_entry(name, target, hard=False):
    info = file_entry(name, 0o777)
    info.type = tarfile.LNKTYPE if hard else tarfile.SYMTYPE
    info.linkname = target
    return info


def index_bytes(descriptors, docker=False) -> bytes:
    """An index of Image.descriptor() entries."""
    media_type = "application/vnd.oci.image.index.v1+json"
    return json.dumps({
        "schemaVersion": 2,
        "mediaType": DOCKER_TYPES[media_type] if docker else media_type,
        "manifests": descriptors,
    }).encode()


class Image:
    """Layers and a config; writes OCI layouts, archives, and docker archives."""

    def __init__(self, name="localhost/test:latest", config=None, architecture=None):
        self.name = name
        self.config = dict(config or {})
        self.architecture = architecture or ARCHITECTURES.get(platform.machine(), platform.machine())
        self.os, self.variant = "linux", None
        self.layers = []  # (compressed bytes, media type, diff id)

    def platform(self):
        variant = {"variant": self.variant} if self.variant else {}
        return {"architecture": self.architecture, "os": self.os, **variant}

    def add_layer(self, tar: bytes, compression="gzip"):
        self.layers.append((compress(tar, compression), LAYER_TYPES[compression], sha256(tar)))
        return self

    def config_bytes(self) -> bytes:
        return json.dumps({
            **self.platform(),
            "created": "2020-09-13T12:26:40Z",
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": [diff_id for _, _, diff_id in self.layers]},
            "history": [{"created": "2020-09-13T12:26:40Z", "created_by": "make_image.py"} for _ in self.layers],
        }).encode()

    def manifest_bytes(self, docker=False) -> bytes:
        """The OCI image manifest, or Docker's schema 2 one."""
        def kind(media_type):
            return DOCKER_TYPES[media_type] if docker else media_type
        config = self.config_bytes()
        return json.dumps({
            "schemaVersion": 2,
            "mediaType": kind("application/vnd.oci.image.manifest.v1+json"),
            "config": {
                "mediaType": kind("application/vnd.oci.image.config.v1+json"),
                "digest": sha256(config),
                "size": len(config),
            },
            "layers": [{"mediaType": kind(media_type), "digest": sha256(data), "size": len(data)}
                       for data, media_type, _ in self.layers],
        }).encode()

    def descriptor(self, docker=False):
        """This image as an entry of an index."""
        manifest = self.manifest_bytes(docker)
        return {
            "mediaType": json.loads(manifest)["mediaType"],
            "digest": sha256(manifest),
            "size": len(manifest),
            "platform": self.platform(),
        }

    def blobs(self):
        yield self.config_bytes()
        yield self.manifest_bytes()
        for data, _, _ in self.layers:
            yield data

    def files(self):
        """The files of an OCI image layout: (path, bytes)."""
        named = {**self.descriptor(), "annotations": {"org.opencontainers.image.ref.name": self.name}}
        yield "oci-layout", b'{"imageLayoutVersion":"1.0.0"}'
        yield "index.json", json.dumps({"schemaVersion": 2, "manifests": [named]}).encode()
        for blob in self.blobs():
            yield "blobs/sha256/" + sha256(blob)[7:], blob

    def write_layout(self, directory):
        for path, data in self.files():
            target = Path(directory) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def write_archive(self, path):
        Path(path).write_bytes(tar_of(self.files()))

    def write_docker_archive(self, path):
        """What `docker save` writes: manifest.json, the config, plain layers named after their diff ids."""
        config = self.config_bytes()
        config_name = sha256(config)[7:] + ".json"
        names = [f"{diff_id[7:]}.tar" for _, _, diff_id in self.layers]
        files = [(config_name, config)]
        files += [(name, decompress(data, kind)) for name, (data, kind, _) in zip(names, self.layers)]
        files.append(("manifest.json", json.dumps([{"Config": config_name, "RepoTags": [self.name],
                                                    "Layers": names}]).encode()))
        Path(path).write_bytes(tar_of(files))


def busybox_layer() -> bytes:
    """busybox with a link per applet, and the few files that a root file system needs."""
    binary = Path("/bin/busybox" if os.path.exists("/bin/busybox") else "/usr/bin/busybox")
    applets = subprocess.run([binary, "--list"], stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    entries = [(directory_entry(name), b"") for name in ("bin", "dev", "etc", "home", "proc", "root", "run", "sys",
                                                         "usr", "usr/bin", "var")]
    entries += [(directory_entry("tmp", 0o1777), b""), (directory_entry("var/tmp", 0o1777), b"")]
    entries.append((file_entry("bin/busybox", 0o755), binary.read_bytes()))
    entries += [(link_entry("bin/" + applet, "bin/busybox", hard=True), b"") for applet in applets
                if applet != "busybox"]
    entries.append((file_entry("etc/passwd"),
                    b"root:x:0:0:root:/root:/bin/sh\nbin:x:1:1:bin:/bin:/bin/false\n"
                    b"user:x:1000:1000:user:/home/user:/bin/sh\n"))
    entries.append((file_entry("etc/group"), b"root:x:0:\nbin:x:1:\nuser:x:1000:\nextra:x:1001:user\n"))
    return tar_of(entries)


def busybox_image(name="localhost/busybox:latest", compression="gzip", **config) -> Image:
    return Image(name, {"Cmd": ["sh"], "Env": ["PATH=/bin:/usr/bin"], **config}).add_layer(busybox_layer(), compression)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busybox", metavar="FILE.tar", required=True)
    busybox_image().write_archive(parser.parse_args().busybox)


if __name__ == "__main__":
    main()
