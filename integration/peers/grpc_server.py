"""gRPC server on grpcio. Prints its port, then each charge in base64. Exits at the end of its input."""

import sys
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).parent))
messages, services = grpc.protos_and_services("charges.proto")


class Charges(services.ChargesServicer):
    def Create(self, charge, context):
        print("got", b64encode(charge.SerializeToString()).decode(), flush=True)
        return charge

    def Collect(self, charges, context):
        return messages.Ledger(charges=[self.Create(charge, context) for charge in charges])

    def Spread(self, ledger, context):
        for charge in ledger.charges:
            yield self.Create(charge, context)

    def Converse(self, charges, context):
        for charge in charges:
            yield self.Create(charge, context)


server = grpc.server(ThreadPoolExecutor(max_workers=4))
services.add_ChargesServicer_to_server(Charges(), server)
print("port", server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
sys.stdin.read()
server.stop(None)
