"""Streaming client on httpx. Prints the data of each event, or each line, as soon as it arrives."""

import sys

import httpx
from httpx_sse import EventSource

url, version = sys.argv[1:]
http2 = version == "http2"
with httpx.Client(http1=not http2, http2=http2, timeout=60) as client, client.stream("GET", url) as response:
    if response.headers["content-type"] == "text/event-stream":
        texts = (event.data for event in EventSource(response).iter_sse())
    else:
        texts = response.iter_lines()
    for text in texts:
        print("got", text, flush=True)
