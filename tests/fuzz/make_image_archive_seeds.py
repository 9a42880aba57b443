"""Writes small image archives of every layout into a folder, for fuzz_image_archive. Checksums are marked, the target
fills them in."""
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

LAYER = b"a layer"
CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {
    "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(LAYER).hexdigest()]}}).encode()


def blob(data, kind):
    return {"mediaType": kind, "digest": "sha256:" + hashlib.sha256(data).hexdigest(), "size": len(data)}


def oci(name="quay.io/x/y:1"):
    kind = "application/vnd.oci.image."
    manifest = json.dumps({"schemaVersion": 2, "config": blob(CONFIG, kind + "config.v1+json"),
                           "layers": [blob(LAYER, kind + "layer.v1.tar")]}).encode()
    entry = {**blob(manifest, kind + "manifest.v1+json"), "annotations": {"org.opencontainers.image.ref.name": name}}
    yield "oci-layout", b'{"imageLayoutVersion":"1.0.0"}'
    yield "index.json", json.dumps({"schemaVersion": 2, "manifests": [entry, entry]}).encode()
    for data in (manifest, CONFIG, LAYER):
        yield "blobs/sha256/" + hashlib.sha256(data).hexdigest(), data


def docker(config="c.json", layer="l/layer.tar"):
    yield "c.json", CONFIG
    yield "l/layer.tar", LAYER
    yield "manifest.json", json.dumps([{"Config": config, "RepoTags": ["x:1", "??"], "Layers": [layer]}]).encode()


def links():
    yield "c.json", CONFIG
    yield "real.tar", LAYER
    yield "l/layer.tar", "../real.tar"
    yield "loop", "loop"
    yield "out", "../../etc/passwd"
    yield "manifest.json", json.dumps([{"Config": "c.json", "Layers": [name]}
                                       for name in ("l/layer.tar", "loop", "out", "../x", "/c.json")]).encode()


def archive(entries, dialect):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=dialect) as tar:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname, content = tarfile.SYMTYPE, content, b""
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    data = bytearray(out.getvalue().rstrip(b"\0") + bytes(1024))
    for start in range(0, len(data) - 511, 512):
        if data[start + 257:start + 262] == b"ustar":
            data[start + 148:start + 156] = b"########"
    return bytes(data)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    long_name = "n" * 130
    seeds = {"oci": list(oci()), "bare-tag": list(oci("v1")), "docker": list(docker()), "both": [*oci(), *docker()],
             "links": list(links()), "outside": list(docker("../../etc/passwd", "/etc/passwd")),
             "twice": [*docker(), *docker()], "long": [(long_name, CONFIG), *docker(long_name)]}
    for name, entries in seeds.items():
        for dialect in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            if name == "long" and dialect == tarfile.USTAR_FORMAT:
                continue
            (folder / f"{name}-{dialect}").write_bytes(archive(entries, dialect))


if __name__ == "__main__":
    main()
