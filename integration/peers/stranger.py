"""Clients of a sidecar: one without TLS, one without a certificate, and one with each of these certificates.

Prints the first line of each response, or that there is none. Does not verify the server.
"""

import socket
import ssl
import sys

address, *certificates = sys.argv[1:]
host, port = address.split(":")
REQUEST = b"GET /v1/customers HTTP/1.1\r\nhost: payment-api\r\nauthorization: Bearer sk_test_stranger\r\nconnection: close\r\n\r\n"


def tls(certificate=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate)
    return context


def answer(context):
    try:
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            if context:
                connection = context.wrap_socket(connection)
            connection.sendall(REQUEST)
            return connection.recv(1000).split(b"\r\n")[0].decode(errors="replace")
    except OSError:
        return ""


for context in (None, tls(), *map(tls, certificates)):
    print("got", answer(context) or "no answer", flush=True)
