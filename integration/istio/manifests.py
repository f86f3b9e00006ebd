"""Copy of the shipped manifests, with image and digest inserted as in docs/quick-start-istio.md, and variants of it."""

import pathlib
import shutil
import subprocess
import textwrap

SHIPPED = pathlib.Path(__file__).resolve().parents[2] / "envoy-config/istio"
IMAGE = "registry.example/panveil/panveil"
KINDS = {"WasmPlugin": "base", "TrafficExtension": "traffic-extension/base"}


class Manifests:
    shipped, bases = SHIPPED, tuple(KINDS.values())

    def __init__(self, folder, kustomize, image_tool):
        self.folder, self.kustomize, self.image_tool = folder, kustomize, image_tool
        self.made = 0
        shutil.copytree(self.shipped, folder)

    def pin(self, image, digest):
        """Effect of `sed` and `make push` in the quick start."""
        for base in self.bases:
            for file in (self.folder / base).glob("*.yaml"):
                file.write_text(file.read_text().replace(f"{IMAGE}:0.1.0", image))
        done = subprocess.run(
            [self.image_tool, "pin", "--digest", f"sha256:{digest}", "--image", image, *(self.folder / base for base in self.bases)],
            capture_output=True, text=True, timeout=60,
        )
        if done.returncode != 0:
            raise SystemExit(f"pin: {done.stderr.strip()}")

    def render(self, overlay):
        done = subprocess.run([self.kustomize, "build", self.folder / overlay], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"kustomize build {overlay}: {done.stderr.strip()}")
        return done.stdout

    def variant(self, overlay, spec="", components=(), namespace=None, patch=""):
        """Overlay based on another, as an operator writes it. `spec` is YAML merged into the plugin's spec, `patch`
        a JSON patch of it.
        """
        self.made += 1
        name = f"overlays/variant-{self.made}"
        folder = self.folder / name
        folder.mkdir()
        text = f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../{overlay}]\n"
        if namespace:
            text += f"namespace: {namespace}\n"
        if components:
            text += f"components: [{', '.join(f'../../components/{one}' for one in components)}]\n"
        patches = ""
        if spec:
            kind = "TrafficExtension" if "traffic-extension" in overlay else "WasmPlugin"
            head = f"apiVersion: extensions.istio.io/v1alpha1\nkind: {kind}\nmetadata: {{name: panveil}}\nspec:\n"
            merged = head + textwrap.indent(textwrap.dedent(spec).strip(), "  ")
            patches += f"  - target: {{kind: {kind}}}\n    patch: |-\n{textwrap.indent(merged, '      ')}\n"
        if patch:
            body = textwrap.indent(textwrap.dedent(patch).strip(), "      ")
            patches += f"  - target: {{kind: (WasmPlugin|TrafficExtension)}}\n    patch: |-\n{body}\n"
        if patches:
            text += f"patches:\n{patches}"
        (folder / "kustomization.yaml").write_text(text)
        return name
