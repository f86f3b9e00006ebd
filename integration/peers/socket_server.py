"""Websocket server on websockets. Prints its port, then each message, which it echoes in many frames."""

import sys
from threading import Thread

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve


def repeat(socket):
    print("extensions", len(socket.protocol.extensions), flush=True)
    try:
        while True:
            message = socket.recv()
            print("got", message, flush=True)
            socket.send(list(message))
    except ConnectionClosed:
        print("closed", socket.close_code, flush=True)


with serve(repeat, "127.0.0.1", 0) as server:
    print("port", server.socket.getsockname()[1], flush=True)
    Thread(target=lambda: (sys.stdin.read(), server.shutdown())).start()
    server.serve_forever()
