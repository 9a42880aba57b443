"""Writes a text for each parser of fuzz_registry into a folder; the first byte chooses the parser."""
import json
import sys
from pathlib import Path

DIGEST = "sha256:" + "a" * 64
LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": DIGEST, "size": 5}
SEEDS = {
    "reference": "rexample.com:5000/team/app:1@" + DIGEST,
    "short": "rbusybox",
    "bearer": 'wBearer realm="https://a.io/token",service="a",scope="repository:x:pull", Basic realm="x"',
    "manifest": "m" + json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {
        **LAYER, "mediaType": "application/vnd.oci.image.config.v1+json"}, "layers": [LAYER], "annotations": {"a": "b"}}),
    "index": "m" + json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
        {**LAYER, "mediaType": "application/vnd.oci.image.manifest.v1+json",
         "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}]}),
    "config": "c" + json.dumps({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["sh"], "Env": ["A=b"]},
                                "rootfs": {"type": "layers", "diff_ids": [DIGEST]}, "history": [{"empty_layer": True}]}),
    "registries": 'tunqualified-search-registries = ["a.io"]\nshort-name-mode = "enforcing"\n[[registry]]\nprefix = "*.com"\n'
                  'blocked = false\n[[registry.mirror]]\nlocation = "b.io"\npull-from-mirror = "tag-only"\n[aliases]\nx = "a.io/x"\n',
    "auth": "a" + json.dumps({"auths": {"a.io": {"auth": "YTpi"}}, "credHelpers": {"b.io": "pass"}, "credsStore": "x"}),
    "policy": "p" + json.dumps({"default": [{"type": "reject"}], "transports": {"docker": {"a.io": [
        {"type": "sigstoreSigned", "keyPath": "/a", "signedIdentity": {"type": "matchRepository"}}]}}}),
    "claim": "s" + json.dumps({"critical": {"type": "atomic container signature", "identity": {"docker-reference": "a.io/b:1"},
                                            "image": {"docker-manifest-digest": DIGEST}}, "optional": {"timestamp": 1}}),
    "key": "k-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\neyJrZGYiOnsibmFtZSI6InNjcnlwdCJ9fQ==\n"
           "-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
    "places": "ddefault-docker:\n  lookaside: file:///a\ndocker:\n  a.io:\n    lookaside-staging: file:///b\n"
              "    use-sigstore-attachments: true\n",
    "aliases": 'l[aliases]\n  "x" = "a.io/x"\n',
    "limit": "h100;w=21600",
    "date": "hFri, 31 Dec 2038 23:59:59 GMT",
}

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, text in SEEDS.items():
    (folder / name).write_text(text)
