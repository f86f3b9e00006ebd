"""Istio's own control plane against the shipped manifests, without a cluster.

    python run.py --tools FOLDER --envoy PATH --wasm PATH --registry PATH --kustomize PATH --image-tool PATH [--only WORD]...

Needs root. Everything runs in network namespaces of this run; they go away with it.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import traceback

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "hostile-peers"))

import checks
from mesh import Mesh
from processes import Ended, Failure


def arguments():
    parser = argparse.ArgumentParser(description="Runs Istio's control plane against the shipped manifests.")
    for name in ("tools", "envoy", "wasm", "registry", "kustomize", "image-tool"):
        parser.add_argument(f"--{name}", required=True, type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="runs the checks with this word in their names")
    parser.add_argument("--list", action="store_true", help="lists the checks")
    parser.add_argument("--update", action="store_true", help="rewrites the golden files")
    parser.add_argument("--keep", action="store_true", help="keeps the folder with logs and configuration")
    return parser.parse_args()


def terminate(number, _):
    # A second signal must not interrupt the cleaning up.
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt(signal.Signals(number).name)


def run_check(mesh, check):
    begun = time.monotonic()
    try:
        check(mesh)
        told, failed = "ok", False
    except Failure as failure:
        told, failed = f"FAILED: {failure}", True
    except Exception as error:
        traceback.print_exc()
        told, failed = f"FAILED: {type(error).__name__}: {error}", True
    print(f"{time.monotonic() - begun:6.1f} s  {check.__name__:48} {told}", flush=True)
    return failed


def main():
    options = arguments()
    chosen = [one for one in checks.ALL if not options.only or any(word in one.__name__ for word in options.only)]
    if options.list:
        print("\n".join(one.__name__ for one in chosen))
        return 0
    if os.geteuid() != 0:
        sys.exit("istio: needs root, for network namespaces")
    # Everything is asked within namespaces, which no proxy reaches.
    for name in [one for one in os.environ if one.lower().endswith("_proxy")]:
        del os.environ[name]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="panveil-istio-"))
    folder.chmod(0o755)
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, terminate)
    begun, failed, mesh, count = time.monotonic(), [], None, 0
    try:
        print("istio: " + ", ".join(line for line in (options.tools / "versions").read_text().splitlines()), flush=True)
        mesh = Mesh(options, folder)
        mesh.start()
        print(f"{time.monotonic() - begun:6.1f} s  control plane and registry are ready", flush=True)
        for check in chosen:
            count += 1
            if run_check(mesh, check):
                failed.append(check.__name__)
    except Ended as ended:
        failed.append(str(ended))
    except KeyboardInterrupt as stopped:
        failed.append(f"stopped by {stopped}")
    finally:
        if mesh:
            mesh.close()
        if options.keep:
            print(f"istio: logs and configuration are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    told = f"failed: {', '.join(failed)}" if failed else "none failed"
    print(f"istio: {count} of {len(chosen)} checks in {time.monotonic() - begun:.0f} s, {told}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
