"""Websocket client on websockets. Sends each line of its input as text, as bytes and in many frames, and prints the
responses.
"""

import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

# Offers permessage-deflate by default.
with connect(sys.argv[1], proxy=None) as socket:
    print("extensions", len(socket.protocol.extensions), flush=True)
    try:
        for line in sys.stdin:
            text = line.rstrip("\n")
            for message in (text, text.encode(), list(text)):
                socket.send(message)
                answer = socket.recv(timeout=30)
                print("got", answer if isinstance(answer, str) else answer.decode(), flush=True)
        socket.close()
    except ConnectionClosed:
        pass
    print("closed", socket.close_code, flush=True)
