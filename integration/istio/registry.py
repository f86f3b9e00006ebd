"""Registry in the host namespace, with the images that scripts/push pushed, and others derived from them."""

import hashlib
import json
import os
import pathlib
import subprocess
import urllib.request

from namespaces import HOST, inside
from processes import Process, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
REPOSITORY = "panveil/panveil"
CONFIG = """\
version: 0.1
storage: {filesystem: {rootdirectory: %s}}
http: {addr: "0.0.0.0:5000"}
log: {level: warn, accesslog: {disabled: true}}
"""


class Registry:
    def __init__(self, binary, network, folder):
        self.binary, self.network, self.folder = binary, network, folder
        self.process = None

    def start(self):
        self.folder.mkdir(exist_ok=True)
        (self.folder / "config.yaml").write_text(CONFIG % (self.folder / "storage"))
        self.process = Process("registry", self.network.host, [self.binary, "serve", "config.yaml"], self.folder)

        def ready():
            self.process.require_alive()
            return self._ask("GET", "/v2/", None, {}).status == 200

        until("the registry is ready", ready, 60)

    def stop(self):
        if self.process:
            self.process.stop(0)
            self.process = None

    def push(self, tag, variant):
        """Pushes a shipped image of dist/image like `make push`. Returns its digest."""
        environment = os.environ | {"HOME": str(self.folder)}
        with inside(self.network.host):
            done = subprocess.run(
                [ROOT / "scripts/push", f"127.0.0.1:5000/{REPOSITORY}:{tag}", variant], env=environment, capture_output=True, text=True,
                timeout=300,
            )
        if done.returncode != 0:
            raise SystemExit(f"registry: {done.stderr.strip()}")
        return done.stdout.strip().removeprefix("sha256:")

    def push_module(self, tag, module):
        """Pushes an image of this module with the layout of the shipped variant `artifact`. Returns its digest."""
        config = b'{"type":"envoy_proxy","abiVersions":["v0.2.1"],"config":{"rootIds":["panveil"]}}'
        about = {"mediaType": "application/vnd.module.wasm.config.v1+json", "digest": self._blob(config), "size": len(config)}
        code = {"mediaType": "application/vnd.module.wasm.content.layer.v1+wasm", "digest": self._blob(module), "size": len(module)}
        manifest = json.dumps({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": about,
            "layers": [about, code],
        }).encode()
        kind = {"content-type": "application/vnd.oci.image.manifest.v1+json"}
        self._ask("PUT", f"/v2/{REPOSITORY}/manifests/{tag}", manifest, kind)
        return hashlib.sha256(manifest).hexdigest()

    def _blob(self, data):
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        place = self._ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/", b"", {}).headers["location"]
        place = place.partition(":5000")[2] or place
        self._ask("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}", data, {"content-type": "application/octet-stream"})
        return digest

    def _ask(self, method, path, data, headers):
        request = urllib.request.Request(f"http://127.0.0.1:5000{path}", data, headers, method=method)
        with inside(self.network.host):
            return urllib.request.urlopen(request, timeout=30)


def url(tag):
    return f"oci://{HOST}:5000/{REPOSITORY}:{tag}"


def another(module, number):
    """The same module as another file: with an additional custom section that no runtime reads."""
    return module + b"\x00\x08\x05build%02d" % number
