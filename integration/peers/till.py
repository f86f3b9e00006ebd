"""A till that takes payments with Stripe's own client, unchanged: what it sends goes where `proxy` says, as a sidecar takes it.

Each line of input is a call: {"call": "payment_methods.create", "arguments": [...]}. For each it prints what the API
answered, or the error that Stripe's client made of it.
"""

import functools
import json
import signal
import sys

import stripe

# Who pressed Ctrl-C means whoever started it, and that ends it.
signal.signal(signal.SIGINT, signal.SIG_IGN)
api, proxy = sys.argv[1:]
# The client asks for http or https of its own accord: between it and the sidecar next door there is no TLS.
client = stripe.StripeClient("sk_test_till", base_addresses={"api": api}, proxy=proxy, max_network_retries=0)
for line in sys.stdin:
    call = json.loads(line)
    function = functools.reduce(getattr, call["call"].split("."), client.v1)
    try:
        answer = json.loads(str(function(*call["arguments"])))
    except stripe.StripeError as error:
        answer = {"refused": error.http_status, "code": error.code, "body": error.http_body}
    print("answer", json.dumps(answer), flush=True)
