"""Control plane of Istio: the Kubernetes API with Istio's resources, and istiod. All of it listens in the host
namespace only.
"""

import re
import textwrap
import urllib.request

from api import Kubernetes
from namespaces import HOST, inside
from processes import until

READY = "http://127.0.0.1:18080/ready"


def mesh_config(values):
    """meshConfig in the values for Istio's chart, and its defaultConfig, as YAML."""
    mesh = textwrap.dedent(values.read_text().partition("\nmeshConfig:\n")[2])
    proxy = re.search(r"^defaultConfig:\n((?: .*\n|\n|#.*\n)+)", mesh, re.MULTILINE)[1]
    return mesh, textwrap.dedent(proxy)


class ControlPlane(Kubernetes):
    def __init__(self, network, tools, folder, values):
        super().__init__(network, tools, folder)
        self.mesh, self.proxy = mesh_config(values)

    def start(self):
        super().start()
        crds = [f"--filename={self.tools}/share/{name}" for name in ("crd-all.gen.yaml", "gateway-api-crd.yaml")]
        self.kubectl("apply", "--server-side", *crds)
        self.kubectl("create", "namespace", "istio-system")
        self.start_istiod()

    def start_istiod(self):
        folder = self.folder / "istiod"
        folder.mkdir(exist_ok=True)
        (folder / "mesh.yaml").write_text(f"{self.mesh}\nrootNamespace: istio-system\n")
        # Without these two Istio adds filters that only its own build of Envoy has.
        standalone = {"PILOT_ENABLE_METADATA_EXCHANGE": "false", "PILOT_ENABLE_ALPN_FILTER": "false"}
        istiod = self.run("istiod", [
            f"{self.tools}/bin/pilot-discovery", "discovery", "--kubeconfig", self.kubeconfig, "--meshConfig", "mesh.yaml",
            "--grpcAddr", "127.0.0.1:15010", "--secureGRPCAddr", f"{HOST}:15012", "--httpAddr", "127.0.0.1:18080",
            "--httpsAddr", "127.0.0.1:15017", "--monitoringAddr", "127.0.0.1:15014", "--ctrlz_port", "0",
        ], standalone | {
            "POD_NAME": "istiod-0", "POD_NAMESPACE": "istio-system", "INJECT_ENABLED": "false", "INJECTION_WEBHOOK_CONFIG_NAME": "",
            "VALIDATION_WEBHOOK_CONFIG_NAME": "",
        })

        def ready():
            istiod.require_alive()
            with inside(self.network.host), urllib.request.urlopen(READY, timeout=5) as answer:
                return answer.status == 200

        until("istiod is ready", ready, 120)

    def stop_istiod(self):
        self.processes.pop("istiod").stop()
