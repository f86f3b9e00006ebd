"""Envoy process: starts with a configuration, finds its ports, reads its admin pages, and stops it by its process
id.
"""

import asyncio
import json
import os
import pathlib
import subprocess
import time
import urllib.request


class Envoy:
    def __init__(self, binary, folder, config):
        self.binary = binary
        self.folder = pathlib.Path(folder)
        self.config = config
        self.process = None
        self.admin = None
        # By the number of the chain.
        self.ports = {}
        self.lines = {}
        self.offset = 0
        self.rest = b""

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "config.json").write_text(json.dumps(self.config))
        log = open(self.folder / "envoy.log", "wb")
        self.process = subprocess.Popen(
            [
                self.binary, "-c", str(self.folder / "config.json"), "--concurrency", "1", "--disable-hot-restart",
                "--use-dynamic-base-id", "--base-id-path", str(self.folder / "base-id"),
                "--admin-address-path", str(self.folder / "admin"), "--file-flush-interval-msec", "20", "--log-level", "warning",
            ],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )

    async def ready(self):
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"Envoy did not start: {self.log()[-2000:]}")
            try:
                self.admin = (self.folder / "admin").read_text().strip()
                if self.ask("/ready").strip() == "LIVE":
                    break
            except OSError:
                pass
            await asyncio.sleep(0.1)
        else:
            raise RuntimeError("Envoy is not ready in time")
        status = json.loads(self.ask("/listeners?format=json"))["listener_statuses"]
        by_name = {one["name"]: one["local_address"]["socket_address"]["port_value"] for one in status}
        self.ports = {int(name.removeprefix("chain")): port for name, port in by_name.items()}

    def ask(self, page):
        with urllib.request.urlopen(f"http://{self.admin}{page}", timeout=30) as answer:
            return answer.read().decode()

    def log(self):
        return (self.folder / "envoy.log").read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def read_access_log(self):
        """Reads the new lines."""
        try:
            with open(self.folder / "access.json", "rb") as log:
                log.seek(self.offset)
                new = log.read()
        except FileNotFoundError:
            return
        if not new:
            return
        self.offset += len(new)
        lines = (self.rest + new).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            record = json.loads(line)
            token = record.get("exchange")
            if token:
                self.lines[token] = record

    def reloads(self):
        """Number of reloads of the filter's VM."""
        total = 0
        for line in self.ask("/stats?filter=vm_reload").splitlines():
            total += int(line.rpartition(": ")[2])
        return total

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.kill(self.process.pid, 9)
                self.process.wait()
