"""Configuration that istiod sends to a proxy that does not run: a client of its discovery service, over its port
without TLS.
"""

import re
import socket
import time

import h2.config
import h2.connection
import h2.events
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, struct_pb2

from namespaces import inside
from processes import Failure

LISTENERS = "type.googleapis.com/envoy.config.listener.v3.Listener"
PATH = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
# Used fields of Envoy's messages: (name, number, type, repeated).
MESSAGES = {
    "Node": [("id", 1, "string", False), ("metadata", 3, ".google.protobuf.Struct", False)],
    "DiscoveryRequest": [("node", 2, ".discovery.Node", False), ("type_url", 4, "string", False)],
    "DiscoveryResponse": [("resources", 2, ".google.protobuf.Any", True), ("type_url", 4, "string", False)],
}


def _messages():
    file = descriptor_pb2.FileDescriptorProto(name="discovery.proto", package="discovery", syntax="proto3")
    file.dependency.extend([any_pb2.DESCRIPTOR.name, struct_pb2.DESCRIPTOR.name])
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            added = message.field.add(name=field, number=number, label=kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL)
            if kind == "string":
                added.type = kinds.TYPE_STRING
            else:
                added.type, added.type_name = kinds.TYPE_MESSAGE, kind
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"discovery.{name}")) for name in MESSAGES}


TYPES = _messages()


def extensions_of(mesh, kind, name, namespace, labels):
    """Names of the extensions in the listeners that istiod sends to such a proxy, in order."""
    address = "10.77.0.250"
    node = TYPES["Node"](id=f"{kind}~{address}~{name}.{namespace}~{namespace}.svc.cluster.local")
    node.metadata.update({"NAMESPACE": namespace, "LABELS": labels, "ISTIO_VERSION": "1.32.0", "CLUSTER_ID": "Kubernetes"})
    request = TYPES["DiscoveryRequest"](node=node, type_url=LISTENERS).SerializeToString()
    names = {}
    for listener in TYPES["DiscoveryResponse"].FromString(_ask(mesh.network.host, request)).resources:
        names |= dict.fromkeys(one.decode() for one in re.findall(rb"extensions\.istio\.io/[a-z]+/[\w.~-]+", listener.value))
    return list(names)


def _ask(namespace, request, seconds=20):
    """First message in the response of a gRPC stream."""
    with inside(namespace):
        connection = socket.create_connection(("127.0.0.1", 15010), timeout=seconds)
    with connection:
        state = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        state.initiate_connection()
        state.send_headers(1, [
            (":method", "POST"), (":scheme", "http"), (":path", PATH), (":authority", "istiod"), ("content-type", "application/grpc"),
            ("te", "trailers"),
        ])
        state.send_data(1, b"\x00" + len(request).to_bytes(4, "big") + request)
        connection.sendall(state.data_to_send())
        data, deadline = b"", time.monotonic() + seconds
        while time.monotonic() < deadline:
            for event in state.receive_data(connection.recv(65536)):
                if isinstance(event, h2.events.DataReceived):
                    data += event.data
                    state.acknowledge_received_data(event.flow_controlled_length, 1)
                elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    raise Failure("istiod ended the stream")
            connection.sendall(state.data_to_send())
            size = int.from_bytes(data[1:5], "big")
            if len(data) >= 5 and len(data) >= 5 + size:
                return data[5 : 5 + size]
    raise Failure("istiod sends no listeners")
