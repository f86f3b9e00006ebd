"""Third-party payment API: localstripe, unchanged, on a free port of 127.0.0.1.

Prints its address, and for each line of input the number of complete requests so far.
"""

import os
import signal
import socket
import sys
import threading

from aiohttp import web
from localstripe.resources import Store
from localstripe.server import app

# It would write its store to a file in /tmp with every request, card numbers included.
Store.dump_to_disk = lambda store: None
served = 0


@web.middleware
async def count(request, handler):
    global served
    try:
        await request.read()
    except ConnectionError:
        # The request was reset within its body: no response is possible.
        return web.Response(status=400)
    served += 1
    return await handler(request)


def tell():
    for _ in sys.stdin:
        print("served", served, flush=True)
    # The parent has exited.
    os._exit(0)


# Ctrl-C is for the parent, which stops this process.
signal.signal(signal.SIGINT, signal.SIG_IGN)
app.middlewares.insert(0, count)
listening = socket.create_server(("127.0.0.1", 0))
print("listening {}:{}".format(*listening.getsockname()), flush=True)
threading.Thread(target=tell, daemon=True).start()
web.run_app(app, sock=listening, print=None, access_log=None, handle_signals=False)
