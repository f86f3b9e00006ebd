"""Time spans in which an expectation does not hold, or a loss has a cause. The operator opens and closes them; the
judge queries them.
"""

import math
import threading
import time
from dataclasses import dataclass, field

# Drain time of an old listener in Istio (drainDuration).
DRAIN = 45
# Envoy closes some connections before the end of the drain time: 36 and 37 s after the change were observed.
EARLY = 15
# Maximum delay of timers in Envoy and on this machine.
SLACK = 8

# The plugin is deleted, and its return is not confirmed.
REMOVED = "plugin removed"
# A connection is older than the return of the plugin.
OLD_CONNECTION = "old connection"
# A policy that blocks, or one that masks, may be active.
BLOCKING, MASKING = "policy blocks", "policy masks"

# Causes of losses.
RESTARTED = "proxy restarted"
WITHOUT_ISTIOD = "proxy started without istiod"
NOT_FETCHED = "module not fetched"
FIRST_REJECTED = "first policy rejected"
DRAINED = "old listener drained"
CAUSES = (RESTARTED, WITHOUT_ISTIOD, NOT_FETCHED, FIRST_REJECTED, DRAINED)


@dataclass
class Span:
    kind: str
    pod: str
    begun: float
    ended: float = math.inf
    # For OLD_CONNECTION: number of requests that may pass uninspected.
    left: int = 0
    # Direct connections to the pod that have had their one request.
    used: set = field(default_factory=set)

    def close(self, later=0):
        self.ended = min(self.ended, time.monotonic() + later)

    def overlaps(self, begun, ended):
        return self.begun <= ended and begun <= self.ended


class Spans:
    def __init__(self):
        self.lock = threading.Lock()
        self.all = []

    def open(self, kind, pod, later=0, **more):
        span = Span(kind, pod, time.monotonic() + later, **more)
        with self.lock:
            self.all.append(span)
        return span

    def find(self, kind, pod, begun, ended):
        """Spans of this kind that overlap with this time."""
        with self.lock:
            return [one for one in self.all if one.kind == kind and one.pod == pod and one.overlaps(begun, ended)]

    def forget(self, before):
        """Removes spans that ended before a time."""
        with self.lock:
            self.all = [one for one in self.all if one.ended >= before]
