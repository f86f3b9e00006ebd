"""Traffic other than HTTP/1.1: HTTP/2 over mutual TLS, compressed bodies of unknown length, gRPC, websockets."""

import gzip

from apps import grpc_message
from mesh import expect, expect_masked, received, settle
from processes import until
from traffic import ANSWERED, ANSWERED_MASKED, CARD, MASKED, Connection, send_http2, talk_websocket

HALVES = (b'{"card_number":"41111111', b'11111111","amount":12}')


def http2_upgrade(mesh, pod):
    return mesh.resources(f"""\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: http2, namespace: {pod.namespace}}}
spec:
  host: {pod.name}.{pod.namespace}.svc.cluster.local
  trafficPolicy: {{connectionPool: {{http: {{h2UpgradePolicy: UPGRADE}}}}}}
""")


def http2_over_mutual_tls_with_unknown_length(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    with http2_upgrade(mesh, shop), mesh.applied("overlays/mask", shop):
        settle(client, shop.service)

        def upgraded():
            return any(one["protocol"] == "HTTP/2" for one in shop.logged("/settle"))

        until("the sidecars speak HTTP/2", lambda: settle(client, shop.service) or upgraded(), 30, 0.5)
        with Connection(client.net, shop.service) as connection:
            expect_masked(shop, "/h2/plain", connection.chunked("/h2/plain", HALVES, pause=0.1))
        # No member contains the complete number.
        members = [gzip.compress(half) for half in HALVES]
        coded = {"content-type": "application/json", "content-encoding": "gzip"}
        cuts = {"two-chunks": members, "one-chunk": [b"".join(members)], "end-alone": [members[0], members[1][:-4], members[1][-4:]]}
        for name, pieces in cuts.items():
            path = f"/h2/gzip/{name}"
            with Connection(client.net, shop.service) as connection:
                expect_masked(shop, path, connection.chunked(path, pieces, coded, pause=0.1))
        logged = until("the bodies are logged", lambda: shop.logged("/h2/gzip/")[2:], 20)
        expect(logged[0]["protocol"] == "HTTP/2", f"the sidecars spoke {logged[0]['protocol']}")


def grpc(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    message = grpc_message(CARD.encode())
    headers = {"content-type": "application/grpc", "te": "trailers"}
    with mesh.applied("overlays/mask", shop):
        settle(client, shop.service)
        path = "/payments.Charges/Create"
        answer = send_http2(client.net, shop.service, path, [message[:12], message[12:]], headers, port=8090)
        request = received(shop, path)
        expect(request.body == grpc_message(MASKED.encode()), f"the application received {request.body}")
        expect(answer.body == grpc_message(ANSWERED_MASKED.encode()), f"the client received {answer.body}")
        expect(answer.headers.get("grpc-status") == "0", f"the client received {answer.headers}")


def websocket(mesh):
    client, shop = mesh.get("checkout"), mesh.get("shop")
    with mesh.applied("overlays/mask", shop):
        settle(client, shop.service)
        answer = talk_websocket(client.net, shop.service, "/socket", f'{{"card_number":"{CARD}"}}'.encode()).decode()
        request = received(shop, "/socket")
        expect(CARD not in request.text() and MASKED in request.text(), f"the application received {request.body}")
        expect(ANSWERED not in answer and ANSWERED_MASKED in answer, f"the client received {answer}")


CHECKS = [http2_over_mutual_tls_with_unknown_length, grpc, websocket]
