"""gRPC client on grpcio. Makes each kind of call and prints the responses in base64."""

import sys
from base64 import b64decode, b64encode
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).parent))
messages, services = grpc.protos_and_services("charges.proto")


def tell(message):
    print("got", b64encode(message.SerializeToString()).decode(), flush=True)


address, charge = sys.argv[1], messages.Charge.FromString(b64decode(sys.argv[2]))
with grpc.insecure_channel(address, compression=grpc.Compression.NoCompression) as channel:
    charges = services.ChargesStub(channel)
    tell(charges.Create(charge, timeout=30))
    tell(charges.Collect(iter([charge, charge]), timeout=30))
    for answer in charges.Spread(messages.Ledger(charges=[charge, charge]), timeout=30):
        tell(answer)
    for answer in charges.Converse(iter([charge, charge]), timeout=30):
        tell(answer)
    charge.wish = messages.WISH_FAIL
    try:
        charges.Create(charge, timeout=30)
    except grpc.RpcError as error:
        print("failed", error.code().name, error.details(), flush=True)
