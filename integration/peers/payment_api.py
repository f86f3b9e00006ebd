"""A payment API that others wrote: localstripe, as it is, on a free port of 127.0.0.1.

Says where it listens, and for each line of input how many requests have reached it whole.
"""

import os
import signal
import socket
import sys
import threading

from aiohttp import web
from localstripe.resources import Store
from localstripe.server import app

# It would write its store to a file in /tmp with every request, card numbers and all.
Store.dump_to_disk = lambda store: None
served = 0


@web.middleware
async def count(request, handler):
    global served
    try:
        await request.read()
    except ConnectionError:
        # Cut off within its body: there is nobody left to answer.
        return web.Response(status=400)
    served += 1
    return await handler(request)


def tell():
    for _ in sys.stdin:
        print("served", served, flush=True)
    # Whoever started it is gone.
    os._exit(0)


# Who pressed Ctrl-C means whoever started it, and that ends it.
signal.signal(signal.SIGINT, signal.SIG_IGN)
app.middlewares.insert(0, count)
listening = socket.create_server(("127.0.0.1", 0))
print("listening {}:{}".format(*listening.getsockname()), flush=True)
threading.Thread(target=tell, daemon=True).start()
web.run_app(app, sock=listening, print=None, access_log=None, handle_signals=False)
