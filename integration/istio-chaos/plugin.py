"""Plugin in the desired state, and the check whether a proxy has it."""

import json

import golden
from mesh import expect
from schedule import POLICIES

# Policy of the base, which each change is merged into.
BASE = golden.shipped_policy()
REJECTED = {"request": "nonsense"}


class Plugin:
    def __init__(self, mesh, images):
        self.mesh, self.images = mesh, images
        self.policy, self.image = "mask", 0
        self.present = self.rejected = False
        self.rendered = {}

    def text(self):
        """Its manifest."""
        key = self.policy, self.image, self.rejected
        if key not in self.rendered:
            url, digest = self.images[self.image]
            config = json.dumps(POLICIES[self.policy] | (REJECTED if self.rejected else {}))
            overlay = self.mesh.manifests.variant("overlays/mask", f"url: {url}\nsha256: {digest}\npluginConfig: {config}")
            self.rendered[key] = self.mesh.manifests.render(overlay)
        return self.rendered[key]

    def apply(self):
        self.present = True
        self.mesh.apply(self.text())

    def delete(self):
        text, self.present, self.rejected = self.text(), False, False
        self.mesh.delete(text)

    def annotate(self, value):
        """Changes an annotation, so that Istio sends everything again."""
        self.mesh.plane.kubectl("annotate", "--overwrite", "--namespace=shop", "wasmplugin/panveil", f"panveil/retried={value}")

    def is_in(self, pod):
        """Whether a proxy has it in the desired state: current, or deleted."""
        names, complete = pod.chain()
        if not self.present:
            return complete and not names
        expect(complete and len(names) == 1, f"the listeners have {names}, complete: {complete}")
        # Envoy keeps the previous policy when it rejects one, but its dump shows the rejected one.
        change = REJECTED if self.rejected else {}
        expect(pod.policies() == [BASE | POLICIES[self.policy] | change], f"the policy is {pod.policies()}")
        expect(any(self.images[self.image][1] in file for file in pod.modules()), f"the module is {pod.modules()}")
        return True


def rejections(pod):
    """Number of rejected policies of the proxy."""
    lines = (line for line in pod.metrics().splitlines() if line.startswith("envoy_extension_config_discovery"))
    return sum(int(line.rpartition(" ")[2]) for line in lines if "config_fail" in line or "update_rejected" in line)
