"""Processes in a namespace, each the leader of a session and stopped by process id, and waits with a time limit."""

import os
import pathlib
import signal
import subprocess
import time

from namespaces import inside


class Failure(Exception):
    """A check does not hold, or the control plane failed."""


class Ended(Exception):
    """A process has exited that must run."""


def until(what, holds, seconds=60, pause=0.1):
    """First true result of `holds`. An error in it counts as false."""
    deadline = time.monotonic() + seconds
    while True:
        last = None
        try:
            result = holds()
            if result:
                return result
        except (OSError, ValueError, RuntimeError, LookupError, Failure) as error:
            last = error
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds} s{f' ({last})' if last else ''}")
        time.sleep(pause)


class Process:
    def __init__(self, name, namespace, command, folder, environment=None, owner=0):
        self.name = name
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log_path = self.folder / f"{name}.log"
        # Envoy opens /dev/stdout by its path, so the file must belong to the user of Envoy.
        with open(self.log_path, "ab") as log:
            os.fchown(log.fileno(), owner, owner)
            variables = {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | (environment or {})
            with inside(namespace):
                self.process = subprocess.Popen(
                    command, cwd=self.folder, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                )

    def alive(self):
        return self.process.poll() is None

    def log(self):
        return self.log_path.read_text(errors="replace")

    def require_alive(self):
        if not self.alive():
            raise Ended(f"{self.name} ended with {self.process.returncode}: {self.log()[-1500:]}")

    def stop(self, seconds=3):
        """Stops a process and its children, which are in its session."""
        if self.alive() and seconds:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        for number in session(self.process.pid):
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()


def session(leader):
    """Processes of a session."""
    members = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            # After the name, which is in parentheses: state, parent, group, session.
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader:
            members.append(int(stat.parent.name))
    return members
