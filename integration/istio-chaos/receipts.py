"""Application of a pod, which keeps each request until its exchange is judged, and answers each message of a
websocket.
"""

import websocket
from apps import ANSWER, App

LINE = b"\n"


class Receipts(App):
    def __init__(self, namespace, ports):
        self.by_exchange = {}
        super().__init__(namespace, ports)

    @staticmethod
    def name(path):
        return path.partition("?")[0]

    def _keep(self, request):
        with self.lock:
            self.by_exchange.setdefault(self.name(request.path), []).append(request)
        return request

    def take(self, path):
        """Removes and returns the requests of an exchange. There are several when a proxy has retried."""
        with self.lock:
            return self.by_exchange.pop(self.name(path), [])

    def rest(self):
        """Removes and returns all remaining requests."""
        with self.lock:
            taken, self.by_exchange = self.by_exchange, {}
        return [request for requests in taken.values() for request in requests]

    def _websocket(self, connection, reader, request):
        self._upgrade(connection, request)
        data, answered = b"", 0
        while not websocket.closed(data):
            piece = reader.read1(65536)
            if not piece:
                return
            data += piece
            request.body = websocket.read(data)[0]
            for _ in range(request.body.count(LINE) - answered):
                connection.sendall(websocket.frame(websocket.TEXT, ANSWER + LINE))
                answered += 1
        request.whole = True
        # A peer answers a Close frame with its status.
        connection.sendall(websocket.frame(websocket.CLOSE, websocket.read(data)[1].to_bytes(2, "big")))
