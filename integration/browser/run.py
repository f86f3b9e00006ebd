"""Opens a report of the command in a real browser: `make report-browser`.

A seeded log, an audit and a response of Prometheus become one report. With `--report`, an existing one is opened, such as that of the
mesh demo. Chromium must render it without a message on its console and
without loading anything. The filter must show the rows that contain its words, and axe-core must find no violation, in light and dark.
"""

import argparse
import base64
import json
import random
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BEGIN = datetime(2026, 11, 28, 8, tzinfo=UTC)

# Source, receiver, path, field, and the actions of a small shop.
FLOWS = (
    ("checkout", "payments", "/v1/charges", "card/number", ("allowed",)),
    ("checkout", "tickets", "/tickets", "message", ("masked", "masked", "blocked")),
    ("payments", "ledger", "/entries", "reference", ("masked",)),
    ("export", "reports", "/export", "notes", ("reported",)),
    (None, "checkout", "/cart", "comment", ("masked", "blocked")),
)


def check(is_right, problem):
    """Stops with `problem` unless `is_right`."""
    if not is_right:
        raise SystemExit(f"report-browser: {problem}")


def log_lines(count):
    """Lines of an access log, always the same ones."""
    choose = random.Random(20)
    for index in range(count):
        moment = BEGIN + timedelta(seconds=index * 172_800 // count + choose.randrange(30))
        columns = {"time": moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "method": "POST", "path": "/", "protocol": "HTTP/2"}
        columns |= {"panveil_action": None, "panveil_uninspected": None, "panveil_record": None}
        if 40 < index % 1000 < 44:
            columns |= {"method": None, "path": None}
        elif index % 90 == 0:
            columns |= {"panveil_action": "uninspected", "panveil_uninspected": "response:encoding"}
        elif index % 3 == 0:
            columns |= {"panveil_action": "masked", "panveil_record": json.dumps(record(choose, index))}
        yield json.dumps(columns)


def record(choose, index):
    """Record of a stream with findings."""
    source, receiver, path, field, actions = choose.choice(FLOWS)
    action = choose.choice(actions)
    finding = {"direction": "request", "place": "body", "field": field, "kind": "pan", "length": 16, "action": action}
    finding |= {"brand": choose.choice(("visa", "mastercard", "amex")), "count": choose.randrange(1, 3)}
    finding |= {"rule": "cards-from-checkout" if action == "allowed" else "request"}
    findings = [finding]
    if receiver == "reports" and choose.random() < 0.1:
        secret = {"direction": "response", "place": "body", "field": "cvc", "kind": "verification_code", "length": 3}
        findings.append(secret | {"action": "reported", "rule": "response", "count": 1})
    one = {"version": 1, "action": action, "found": len(findings), "host": f"{receiver}.shop", "path": path}
    one |= {"request_id": f"{index:08x}-shop", "client": f"10.0.3.{choose.randrange(4)}", "mtls": source is not None}
    if source:
        one["source"] = f"spiffe://cluster.local/ns/shop/sa/{source}"
    return one | {"findings": findings}


def metrics():
    """Response of Prometheus with a rollout and an alert."""
    begin = int(BEGIN.timestamp())

    def series(labels, first, last):
        return {"metric": labels, "values": [[begin + at * 300, "1"] for at in range(first, last)]}

    info = {"__name__": "panveil_config_info", "namespace": "shop", "version": "0.1.0"}
    alert = {"__name__": "ALERTS", "alertname": "PanveilMissing", "alertstate": "firing", "namespace": "shop", "pod": "tickets-1"}
    alert |= {"severity": "critical", "pci_dss": "10.7.2"}
    result = [
        series(info | {"pod": "tickets-1", "mode": "monitor"}, 0, 100),
        series(info | {"pod": "tickets-1", "mode": "enforce"}, 100, 576),
        series(info | {"pod": "payments-1", "mode": "enforce"}, 0, 576),
        series(alert, 210, 224),
        series({"__name__": "proxy:panveil_missing", "namespace": "shop", "pod": "tickets-1"}, 209, 224),
    ]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def reports(panveil, folder):
    """Writes the page and returns its path, and the same report in JSON."""
    mesh = (ROOT / "cli/tests/cli/audit/mesh.yaml").read_text().replace("FAIL_RELOAD", "FAIL_OPEN", 1)
    (folder / "mesh.yaml").write_text(mesh)
    audit = subprocess.run([panveil, "audit", "--format", "json", folder / "mesh.yaml"], stdout=subprocess.PIPE, check=False)
    (folder / "audit.json").write_bytes(audit.stdout)
    (folder / "prometheus.json").write_text(json.dumps(metrics()))
    (folder / "access.log").write_text("\n".join(log_lines(6000)))
    policy = "rules: [{name: cards-from-checkout, action: allow, owner: team checkout, expires: 2027-03-31}]"
    (folder / "policy.yaml").write_text(policy)
    command = [panveil, "report", "--audit", folder / "audit.json", "--prometheus", folder / "prometheus.json"]
    command += ["--policy", folder / "policy.yaml", folder / "access.log", "--format"]
    page, data = (subprocess.run([*command, name], stdout=subprocess.PIPE, check=True).stdout for name in ("html", "json"))
    (folder / "report.html").write_bytes(page)
    return folder / "report.html", json.loads(data)


class Browser:
    """Chromium, driven by chromedriver (W3C WebDriver)."""

    def __init__(self, driver):
        self.process = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.base = f"http://127.0.0.1:{self._port()}"
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1180,1250"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.base += f"/session/{session['sessionId']}"
        self.call("POST", "/timeouts", {"script": 90_000})

    def _port(self):
        for line in self.process.stdout:
            if "started successfully on port" in line:
                return line.rstrip(".\n").rsplit(" ", 1)[1]
        raise SystemExit("report-browser: chromedriver does not start; install the Debian package chromium-driver")

    def call(self, method, path, body=None):
        """Sends a command, and returns its result."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=300) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise SystemExit(f"report-browser: {path}: {json.load(error)['value']['message']}") from error

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def type(self, selector, text):
        element = self.call("POST", "/element", {"using": "css selector", "value": selector})
        (element_id,) = element.values()
        self.call("POST", f"/element/{element_id}/clear", {})
        if text:
            self.call("POST", f"/element/{element_id}/value", {"text": text})

    def scheme(self, name):
        feature = {"name": "prefers-color-scheme", "value": name}
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"features": [feature]}})

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.process.kill()
            self.process.wait()


def look(browser, page, data, axe):
    """Checks the page, and returns a screenshot."""
    browser.call("POST", "/url", {"url": page.as_uri()})
    tables = {name: table["rows"] for name, table in data["tables"].items() if table["rows"]}
    shown = browser.run(
        "return Object.fromEntries(Array.from(document.querySelectorAll('section:has(table)'), "
        "section => [section.id, section.querySelectorAll('tbody tr').length]))"
    )
    check(shown == {name: len(rows) for name, rows in tables.items()}, f"rows in the page: {shown}")
    flows = {(row["source"], row["receiver"]) for row in tables["data_flows"]}
    check(browser.run("return document.querySelectorAll('svg.flows path').length") == len(flows), "lines of the graph")
    filters(browser, tables)
    check(browser.run("return performance.getEntriesByType('resource').length") == 0, "the page loads something")
    colours = set()
    for scheme in ("dark", "light"):
        browser.scheme(scheme)
        colours.add(browser.run("return getComputedStyle(document.body).backgroundColor"))
        accessibility(browser, axe, scheme)
    check(len(colours) == 2, "light and dark look the same")
    pdf = base64.b64decode(browser.call("POST", "/print", {}))
    check(pdf.startswith(b"%PDF") and len(pdf) > 20_000, "printing fails")
    messages = browser.call("POST", "/se/log", {"type": "browser"})
    check(not messages, f"messages on the console: {messages}")
    return base64.b64decode(browser.call("GET", "/screenshot")), pdf


def filters(browser, tables):
    """Types into the filter, and compares the rows with the JSON."""
    visible = "return Array.from(document.querySelectorAll('tbody tr')).filter(row => row.checkVisibility()).length"
    rows = [" ".join(str(value) for value in row.values() if value is not None).lower() for table in tables.values() for row in table]
    for words in ("tickets", "checkout allowed", "no such row", "TICKETS blocked", ""):
        browser.type("#filter", words)
        # Durations are words in the page, so the filter is compared on words that no duration has.
        right = sum(all(word in row for word in words.lower().split()) for row in rows)
        check(browser.run(visible) == right, f"the filter {words!r} shows {browser.run(visible)} rows, not {right}")
        text = browser.run("return document.getElementById('matches').textContent")
        check(text == (f"{right} of {len(rows)} rows" if words else ""), f"the filter {words!r} says {text!r}")


def accessibility(browser, axe, scheme):
    """Checks the page with axe-core, if there is one."""
    if not axe:
        return
    browser.call("POST", "/goog/cdp/execute", {"cmd": "Runtime.evaluate", "params": {"expression": axe}})
    script = (
        "const done = arguments[0]; const shown = one => [one.id, one.nodes.length, one.nodes[0].html];"
        "axe.run({preload: false}).then(result => done(result.violations.map(shown)), error => done(String(error)))"
    )
    violations = browser.call("POST", "/execute/async", {"script": script, "args": []})
    check(not violations, f"axe-core, {scheme}: {violations}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panveil", required=True)
    parser.add_argument("--driver", default="chromedriver")
    parser.add_argument("--axe", type=Path, help="axe.min.js of axe-core")
    parser.add_argument("--report", type=Path, help="folder with report.html and report.json")
    parser.add_argument("--screenshot", type=Path)
    parser.add_argument("--pdf", type=Path)
    arguments = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.report:
            page, data = arguments.report.resolve() / "report.html", json.loads((arguments.report / "report.json").read_text())
        else:
            page, data = reports(arguments.panveil, Path(folder))
        browser = Browser(arguments.driver)
        try:
            axe = arguments.axe.read_text() if arguments.axe else None
            picture, pdf = look(browser, page, data, axe)
        finally:
            browser.close()
    for path, contents in ((arguments.screenshot, picture), (arguments.pdf, pdf)):
        if path:
            path.write_bytes(contents)
    print(f"report-browser: {len(data['tables'])} tables, light and dark, filter and print: as expected, {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
