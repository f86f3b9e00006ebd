"""The control plane: etcd, the Kubernetes API, istiod. All of it listens in the host namespace only."""

import re
import subprocess
import textwrap
import urllib.request

from namespaces import HOST, inside
from processes import Process, until

ETCD, ETCD_PEERS, API, READY = "http://127.0.0.1:23790", "http://127.0.0.1:23800", "https://127.0.0.1:16443", "http://127.0.0.1:18080/ready"
KUBECONFIG = f"""\
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "{API}", insecure-skip-tls-verify: true}}}}]
users: [{{name: u, user: {{token: administrator}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""


def mesh_config(values):
    """The meshConfig of the values for Istio's chart, and its defaultConfig, as YAML."""
    mesh = textwrap.dedent(values.read_text().partition("\nmeshConfig:\n")[2])
    proxy = re.search(r"^defaultConfig:\n((?: .*\n|\n|#.*\n)+)", mesh, re.MULTILINE)[1]
    return mesh, textwrap.dedent(proxy)


class ControlPlane:
    def __init__(self, network, tools, folder, values):
        self.network, self.tools, self.folder = network, tools, folder
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(KUBECONFIG)
        self.mesh, self.proxy = mesh_config(values)
        self.processes = {}

    def start(self):
        self._etcd()
        self._api()
        crds = [f"--filename={self.tools}/share/{name}" for name in ("crd-all.gen.yaml", "gateway-api-crd.yaml")]
        self.kubectl("apply", "--server-side", *crds)
        self.kubectl("create", "namespace", "istio-system")
        self.start_istiod()

    def _run(self, name, command, environment=None):
        self.processes[name] = Process(name, self.network.host, command, self.folder / name, environment)
        return self.processes[name]

    def _etcd(self):
        self._run("etcd", [
            f"{self.tools}/bin/etcd", "--data-dir=data", "--unsafe-no-fsync", "--listen-client-urls", ETCD, "--advertise-client-urls", ETCD,
            "--listen-peer-urls", ETCD_PEERS, "--initial-advertise-peer-urls", ETCD_PEERS, "--initial-cluster", f"default={ETCD_PEERS}",
        ])

    def _api(self):
        key, tokens = self.folder / "service-accounts.key", self.folder / "tokens.csv"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True, timeout=60)
        tokens.write_text('administrator,administrator,1,"system:masters"\n')
        server = self._run("kube-apiserver", [
            f"{self.tools}/bin/kube-apiserver", f"--etcd-servers={ETCD}", "--bind-address=127.0.0.1", f"--advertise-address={HOST}",
            "--secure-port=16443", "--cert-dir=certificates", "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}", "--api-audiences=istio-ca,https://kubernetes.default.svc",
            "--authorization-mode=RBAC", f"--token-auth-file={tokens}", "--disable-admission-plugins=ServiceAccount",
            "--endpoint-reconciler-type=none", "--allow-privileged=true",
        ])

        def ready():
            server.require_alive()
            return self.kubectl("get", "--raw", "/readyz") == "ok"

        until("the Kubernetes API is ready", ready, 180, 0.3)

    def start_istiod(self):
        folder = self.folder / "istiod"
        folder.mkdir(exist_ok=True)
        (folder / "mesh.yaml").write_text(f"{self.mesh}\nrootNamespace: istio-system\n")
        # Without these two Istio adds filters that only its own build of Envoy has.
        standalone = {"PILOT_ENABLE_METADATA_EXCHANGE": "false", "PILOT_ENABLE_ALPN_FILTER": "false"}
        istiod = self._run("istiod", [
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

    def kubectl(self, *words, text=None):
        """What kubectl prints. An error is its message."""
        options = [f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.folder}/kubectl", "--request-timeout=30s"]
        command = ["kubectl", *options, *map(str, words)]
        with inside(self.network.host):
            done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=90)
        if done.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(map(str, words[:3]))}: {done.stderr.strip()}")
        return done.stdout

    def stop(self):
        for name in ("istiod", "kube-apiserver", "etcd"):
            if name in self.processes:
                self.processes.pop(name).stop(0)
