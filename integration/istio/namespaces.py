"""Network namespaces: one for the control plane, one for each pod, joined by a bridge. The machine's own network
stays unchanged.
"""

import contextlib
import ctypes
import os
import signal
import subprocess

CLONE_NEWNET = 0x40000000
HOST = "10.77.0.1"
_libc = ctypes.CDLL(None, use_errno=True)


def _enter(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"setns: {os.strerror(code)}")


@contextlib.contextmanager
def inside(namespace):
    """Moves the calling thread. Its new sockets and processes stay there; start threads outside."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter(there)
        try:
            yield
        finally:
            _enter(own)
    finally:
        os.close(there)
        os.close(own)


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


class Network:
    """Namespaces of one run. The name of each contains the process id of the run."""

    def __init__(self):
        self.prefix = f"panveil-{os.getpid()}"
        self.names = []
        self.host = f"{self.prefix}-host"
        self.used = 10

    def start(self):
        self._add("host")
        ip("-n", self.host, "link", "add", "br0", "type", "bridge")
        ip("-n", self.host, "addr", "add", f"{HOST}/24", "dev", "br0")
        ip("-n", self.host, "link", "set", "br0", "up")

    def _add(self, name):
        full = f"{self.prefix}-{name}"
        # Registered before its creation, so that a signal in between leaves nothing behind.
        self.names.append(full)
        ip("netns", "add", full)
        ip("-n", full, "link", "set", "lo", "up")
        return full

    def add(self, name):
        """Adds a namespace on the bridge. Returns it with its address."""
        self.used += 1
        address, link = f"10.77.0.{self.used}", f"v{self.used}"
        full = self._add(f"{name}-{self.used}")
        ip("-n", self.host, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", full)
        ip("-n", self.host, "link", "set", link, "master", "br0", "up")
        ip("-n", full, "addr", "add", f"{address}/24", "dev", "eth0")
        ip("-n", full, "link", "set", "eth0", "up")
        ip("-n", full, "route", "add", "default", "via", HOST)
        return full, address

    def remove(self, name):
        self.names.remove(name)
        ip("netns", "delete", name)

    def close(self):
        """Removes the namespaces, and stops all processes in them."""
        for name in reversed(self.names):
            running = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, timeout=30).stdout.split()
            for number in set(running) - {str(os.getpid())}:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(number), signal.SIGKILL)
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, timeout=30)
        self.names = []
