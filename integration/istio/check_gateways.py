"""Overlays for gateways: one with Istio's own resources, one with the Gateway API."""

import contextlib

from check_overlays import KINDS, compare
from mesh import expect, expect_masked
from processes import until
from traffic import send
from xds import extensions_of

PORT = 8888


def gateway_overlay_masks(mesh):
    shop = mesh.get("shop")
    gateway = mesh.pod("ingress", "istio-ingress", labels={"istio": "ingressgateway"}, router=True)
    _masks(mesh, "gateway", gateway, f"""\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: public, namespace: istio-ingress}}
spec:
  selector: {{istio: ingressgateway}}
  servers: [{{port: {{number: {PORT}, name: http, protocol: HTTP}}, hosts: ["*"]}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: public, namespace: istio-ingress}}
spec:
  hosts: ["*"]
  gateways: [public]
  http: [{{route: [{{destination: {{host: {shop.name}.shop.svc.cluster.local, port: {{number: 8080}}}}}}]}}]
""")


def gateway_api_overlay_masks(mesh):
    shop = mesh.get("shop")
    gateway = mesh.pod("public", "ingress", labels={"gateway.networking.k8s.io/gateway-name": "public"}, router=True)
    # With an address of its own, so that istiod creates no Deployment.
    _masks(mesh, "gateway-api", gateway, f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: public, namespace: ingress}}
spec:
  gatewayClassName: istio
  addresses: [{{type: Hostname, value: {gateway.name}.ingress.svc.cluster.local}}]
  listeners: [{{name: http, port: {PORT}, protocol: HTTP, allowedRoutes: {{namespaces: {{from: All}}}}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: public, namespace: shop}}
spec:
  parentRefs: [{{name: public, namespace: ingress}}]
  rules: [{{backendRefs: [{{name: {shop.name}, port: 8080}}]}}]
""")


def _masks(mesh, overlay, gateway, routes):
    """Checks that, with these routes to the shop, the overlay masks at the gateway only."""
    outside, shop = mesh.get("outside"), mesh.get("shop")

    def ask(path):
        return send(outside.net, gateway.address, path, port=PORT)

    def answers():
        with contextlib.suppress(OSError):
            return ask("/settle").status == 200

    try:
        with mesh.resources(routes):
            until("the gateway answers", answers, 60)
            told = compare(mesh, overlay, gateway)
            with mesh.applied(f"overlays/{overlay}", gateway):
                expect_masked(shop, f"/{overlay}", ask(f"/{overlay}"))
                expect(not shop.extensions(), "the sidecar has panveil too")
                until("the gateway logs it", lambda: gateway.logged(f"/{overlay}"), 20)
        expect(not told, "; ".join(told))
    finally:
        gateway.delete()


def waypoint_overlay_reaches_its_waypoint_only(mesh):
    """Checks the configuration from istiod: a waypoint needs filters that only Istio's build of Envoy has."""
    mesh.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: catalog}\n")

    def extensions(name):
        return extensions_of(mesh, "waypoint", f"{name}-1", "catalog", {"gateway.networking.k8s.io/gateway-name": name})

    for place in KINDS:
        with mesh.applied(f"{place}overlays/waypoint"):
            found = until("istiod sends the extension to the waypoint", lambda: extensions("waypoint"), 20)
            expect(len(found) == 1 and "catalog.panveil" in found[0], f"the waypoint gets {found}")
            expect(not extensions("other"), "another waypoint gets it too")
        until("the extension is gone", lambda: not extensions("waypoint"), 20)


CHECKS = [gateway_overlay_masks, gateway_api_overlay_masks, waypoint_overlay_reaches_its_waypoint_only]
