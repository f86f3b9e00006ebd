"""Memory of each Envoy: after its warm-up, and at its end."""

import os
import pathlib
import time
from dataclasses import dataclass

from processes import session

# Duration of the warm-up. An Envoy is judged if it runs for as long again.
WARM = 60
# Growth that is no finding: the memory that the allocator keeps varies.
BOUND, ALLOWED = 1.25, 16 << 20


@dataclass
class Life:
    """One Envoy process."""

    name: str
    begun: float
    warm: int = 0
    warmed: float = 0
    last: int = 0
    seen: float = 0

    def told(self):
        return f"{self.name}: {self.warm >> 20} MiB after warm-up, {self.last >> 20} MiB after further {self.seen - self.warmed:.0f} s"

    def judged(self):
        return self.warm > 0 and self.seen - self.warmed >= WARM

    def bound(self):
        return int(self.warm * BOUND) + ALLOWED


class Memory:
    def __init__(self, pods):
        self.pods, self.lives = pods, {}

    def sample(self, warm=False):
        """Measures memory. `warm`: the current processes have warmed up."""
        now = time.monotonic()
        for pod in self.pods:
            size = _resident(pod)
            if not size:
                continue
            life = self.lives.setdefault((pod.name, pod.runs), Life(f"{pod.name}, start {pod.runs}", now))
            life.last, life.seen = size, now
            if warm or (not life.warm and now - life.begun >= WARM):
                life.warm, life.warmed = size, now

    def now(self):
        """Current memory, in one line."""
        current = [self.lives.get((pod.name, pod.runs)) for pod in self.pods]
        return ", ".join(f"{life.name} {life.last >> 20}" for life in current if life) + " MiB"

    def judged(self):
        return [life for life in self.lives.values() if life.judged()]


def _resident(pod):
    """Memory of the Envoy of a pod's agent, in bytes."""
    if not pod.agent:
        return 0
    for number in session(pod.agent.process.pid):
        try:
            if os.readlink(f"/proc/{number}/exe") == str(pod.mesh.envoy):
                pages = pathlib.Path(f"/proc/{number}/statm").read_text().split()[1]
                return int(pages) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return 0
