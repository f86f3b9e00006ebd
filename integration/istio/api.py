"""Kubernetes API with its etcd, both in the host namespace only, and kubectl."""

import subprocess

from namespaces import HOST, inside
from processes import Process, until

ETCD, ETCD_PEERS, API = "http://127.0.0.1:23790", "http://127.0.0.1:23800", "https://127.0.0.1:16443"
KUBECONFIG = f"""\
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "{API}", insecure-skip-tls-verify: true}}}}]
users: [{{name: u, user: {{token: administrator}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""


class Kubernetes:
    def __init__(self, network, tools, folder):
        self.network, self.tools, self.folder = network, tools, folder
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(KUBECONFIG)
        # In start order.
        self.processes = {}

    def start(self):
        self._etcd()
        self._api()

    def run(self, name, command, environment=None):
        self.processes[name] = Process(name, self.network.host, command, self.folder / name, environment)
        return self.processes[name]

    def _etcd(self):
        self.run("etcd", [
            f"{self.tools}/bin/etcd", "--data-dir=data", "--unsafe-no-fsync", "--listen-client-urls", ETCD, "--advertise-client-urls", ETCD,
            "--listen-peer-urls", ETCD_PEERS, "--initial-advertise-peer-urls", ETCD_PEERS, "--initial-cluster", f"default={ETCD_PEERS}",
        ])

    def _api(self):
        key, tokens = self.folder / "service-accounts.key", self.folder / "tokens.csv"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True, timeout=60)
        tokens.write_text('administrator,administrator,1,"system:masters"\n')
        server = self.run("kube-apiserver", [
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

    def kubectl(self, *words, text=None):
        """Output of kubectl. Raises its error message."""
        options = [f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.folder}/kubectl", "--request-timeout=30s"]
        command = ["kubectl", *options, *map(str, words)]
        with inside(self.network.host):
            done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=90)
        if done.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(map(str, words[:3]))}: {done.stderr.strip()}")
        return done.stdout

    def stop(self):
        for process in reversed(self.processes.values()):
            process.stop(0)
        self.processes = {}
