"""Main function of these programs: options, signals, one line for each check, and cleanup."""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import traceback

from processes import Ended, Failure

PATHS = ("tools", "envoy", "wasm", "registry", "kustomize", "image-tool")


def path(text):
    return pathlib.Path(text).resolve()


def arguments(description, more=()):
    """Parses the options. `more`: names and properties of further options."""
    parser = argparse.ArgumentParser(description=description)
    for name in PATHS:
        parser.add_argument(f"--{name}", required=True, type=path)
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="runs the checks with this word in their names")
    parser.add_argument("--list", action="store_true", help="lists the checks")
    parser.add_argument("--keep", action="store_true", help="keeps the folder with logs and configuration")
    for name, properties in more:
        parser.add_argument(name, **properties)
    return parser.parse_args()


def terminate(number, _):
    # A second signal must not interrupt the cleanup.
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt(signal.Signals(number).name)


def run_check(world, check):
    begun = time.monotonic()
    try:
        check(world)
        told, failed = "ok", False
    except Failure as failure:
        told, failed = f"FAILED: {failure}", True
    except Exception as error:
        traceback.print_exc()
        told, failed = f"FAILED: {type(error).__name__}: {error}", True
    print(f"{time.monotonic() - begun:6.1f} s  {check.__name__:48} {told}", flush=True)
    return failed


def run(name, options, checks, versions, make):
    """Runs the checks, and returns the exit status. `make(options, folder)` creates their argument, which has
    `start` and `close`.
    """
    chosen = [one for one in checks if not options.only or any(word in one.__name__ for word in options.only)]
    if options.list:
        print("\n".join(one.__name__ for one in chosen))
        return 0
    if os.geteuid() != 0:
        sys.exit(f"{name}: needs root, for network namespaces")
    # All requests stay within the namespaces, which no proxy setting covers.
    for variable in [one for one in os.environ if one.lower().endswith("_proxy")]:
        del os.environ[variable]
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"panveil-{name}-"))
    folder.chmod(0o755)
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, terminate)
    begun, failed, world, count = time.monotonic(), [], None, 0
    try:
        print(f"{name}: " + ", ".join(versions.read_text().splitlines()), flush=True)
        world = make(options, folder)
        world.start()
        print(f"{time.monotonic() - begun:6.1f} s  control plane and registry are ready", flush=True)
        for check in chosen:
            count += 1
            if run_check(world, check):
                failed.append(check.__name__)
    except Ended as ended:
        failed.append(str(ended))
    except KeyboardInterrupt as stopped:
        failed.append(f"stopped by {stopped}")
    finally:
        if world:
            world.close()
        if options.keep:
            print(f"{name}: logs and configuration are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    told = f"failed: {', '.join(failed)}" if failed else "none failed"
    print(f"{name}: {count} of {len(chosen)} checks in {time.monotonic() - begun:.0f} s, {told}")
    return 1 if failed else 0
