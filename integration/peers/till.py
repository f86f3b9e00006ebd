"""Till that takes payments with Stripe's own client, unchanged. Its requests go to `proxy`, like those of a workload
to its sidecar.

Each line of input is a call: {"call": "payment_methods.create", "arguments": [...]}. For each it prints the response of
the API, or the error of Stripe's client.
"""

import functools
import json
import signal
import sys

import stripe

# Ctrl-C is for the parent, which stops this process.
signal.signal(signal.SIGINT, signal.SIG_IGN)
api, proxy = sys.argv[1:]
# The client adds http or https itself: the hop to its sidecar has no TLS.
client = stripe.StripeClient("sk_test_till", base_addresses={"api": api}, proxy=proxy, max_network_retries=0)
for line in sys.stdin:
    call = json.loads(line)
    function = functools.reduce(getattr, call["call"].split("."), client.v1)
    try:
        answer = json.loads(str(function(*call["arguments"])))
    except stripe.StripeError as error:
        answer = {"refused": error.http_status, "code": error.code, "body": error.http_body}
    print("answer", json.dumps(answer), flush=True)
