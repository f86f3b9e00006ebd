"""Control plane of Envoy Gateway in its Kubernetes mode: resources, certificates, and server."""

import base64
import json

from api import Kubernetes
from namespaces import HOST
from processes import Process, until

NAMESPACE = "envoy-gateway-system"
NAME = f"envoy-gateway.{NAMESPACE}.svc.cluster.local"
CONFIGURATION = """\
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyGateway
provider:
  type: Kubernetes
  kubernetes: {proxyTopologyInjector: {disabled: true}}
gateway: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}
extensionApis: {enableLua: true}
logging: {level: {default: info}}
"""
# Envoy Gateway and its proxies read their certificates at fixed paths. Each gets a root folder of its own, in a mount
# namespace: that of the machine, extended with `extra`. There is no DNS: /etc/hosts has the one name, and all other
# lookups fail at once.
ROOT = f"""\
set -e
extra=$PWD/root
mount -t tmpfs tmpfs /mnt
for one in "$extra"/* /*; do
    name=/mnt/${{one##*/}}
    if [ -e "$name" ] || [ "$one" = /mnt ]; then continue
    elif [ -L "$one" ]; then cp -P "$one" "$name"
    elif [ -d "$one" ]; then mkdir "$name"; mount --rbind "$one" "$name"; fi
done
mkdir -p /mnt/mnt
mount -t tmpfs tmpfs /mnt/var/lib
printf '127.0.0.1 localhost\\n{HOST} {NAME}\\n' >"$extra/../hosts"
mount --bind "$extra/../hosts" /mnt/etc/hosts
echo 'nameserver 127.0.0.1' >"$extra/../resolv.conf"
[ ! -e /etc/resolv.conf ] || mount --bind "$extra/../resolv.conf" /mnt/etc/resolv.conf
exec chroot /mnt /bin/sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
"""


def with_root(command):
    """Command that sees the files under `root` of its folder in its root folder."""
    return ["unshare", "--mount", "sh", "-c", ROOT, "root", *command]


class EnvoyGateway(Kubernetes):
    def start(self):
        super().start()
        crds = [f"--filename={self.tools}/share/envoy-gateway-crds"]
        self.kubectl("apply", "--server-side", "--force-conflicts", *crds)
        self.kubectl("create", "namespace", NAMESPACE)
        self._certificates()
        self.start_server()

    def _environment(self):
        return {"KUBECONFIG": str(self.kubeconfig), "ENVOY_GATEWAY_NAMESPACE": NAMESPACE}

    def _certificates(self):
        """Makes Envoy Gateway create its certificates, like the job of its chart, and keeps a copy of each."""
        folder = self.folder / "certgen"
        command = [self.tools / "bin/envoy-gateway", "certgen", "--disable-topology-injector"]
        done = Process("certgen", self.network.host, command, folder, self._environment())
        if done.process.wait(60) != 0:
            raise SystemExit(f"envoy-gateway: certgen failed: {done.log()[-1500:]}")

    def secret(self, name, folder):
        """Writes the files of a Secret of the control plane to this folder."""
        folder.mkdir(parents=True, exist_ok=True)
        data = json.loads(self.kubectl("get", "secret", name, f"--namespace={NAMESPACE}", "--output=json"))["data"]
        for file, value in data.items():
            (folder / file).write_bytes(base64.b64decode(value))

    def start_server(self):
        folder = self.folder / "envoy-gateway"
        self.secret("envoy-gateway", folder / "root/certs")
        (folder / "configuration.yaml").write_text(CONFIGURATION)
        command = [self.tools / "bin/envoy-gateway", "server", "--config-path", folder / "configuration.yaml"]
        server = self.run("envoy-gateway", with_root(command), self._environment())

        def ready():
            server.require_alive()
            return "Starting the controllers" in server.log() or "Starting Controller" in server.log()

        until("Envoy Gateway is ready", ready, 60)

    def stop_server(self):
        self.processes.pop("envoy-gateway").stop()

    def server_log(self):
        return self.processes["envoy-gateway"].log()
