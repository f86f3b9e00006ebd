"""Upload client on httpx. Prints the sent form in base64, then the status of the response."""

import sys
from base64 import b64encode

import httpx

url, version, card = sys.argv[1:]
http2 = version == "http2"
# In the format of Firefox.
boundary = "---------------------------9051914041544843365972754266"
form = {
    "data": {"card": card, "note": f"paid with {card} on 20260817"},
    "files": {
        "statement": (f"{card}.csv", f"day,card,amount\r\n20260817,{card},41.11\r\n", "text/csv"),
        "picture": ("4111 11.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 1024, "image/png"),
    },
    "headers": {"content-type": f"multipart/form-data; boundary={boundary}"},
}
with httpx.Client(http1=not http2, http2=http2, timeout=60) as client:
    request = client.build_request("POST", url, **form)
    print("sent", b64encode(request.read()).decode(), flush=True)
    print("status", client.send(request).status_code, flush=True)
