"""Configuration of an overlay at a proxy, without the parts that differ between runs, and its golden files."""

import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent / "golden"


def delivered(pod):
    """Extensions of a proxy in Envoy's configuration, and the HTTP filters of their chains."""
    extensions = pod.extensions()
    chains = []
    for names in http_filters(pod.dump()):
        if set(names) & set(extensions) and names not in chains:
            chains.append(names)
    return {"extensions": [normalized(extensions[name]) for name in sorted(extensions)], "http_filters": chains}


def shipped_policy():
    """The policy of the base, as a proxy with the overlay `mask` receives it."""
    [extension] = json.loads((FOLDER / "mask-wasmplugin.json").read_text())["extensions"]
    return extension["typed_config"]["config"]["configuration"]["value"]


def http_filters(value):
    """Names of the HTTP filters of each connection manager in a configuration."""
    if isinstance(value, dict):
        if "http_filters" in value:
            yield [one["name"] for one in value["http_filters"]]
        for part in value.values():
            yield from http_filters(part)
    elif isinstance(value, list):
        for part in value:
            yield from http_filters(part)


def normalized(extension):
    text = re.sub(r'"/var/lib/istio/data/[^"]*"', '"<the module that the agent fetched>"', json.dumps(extension))
    made = json.loads(text)
    # The whitespace in the JSON of Istio differs between builds.
    configuration = made["typed_config"].get("config", {}).get("configuration", {})
    if "value" in configuration:
        configuration["value"] = json.loads(configuration["value"])
    return made


def difference(name, istio, found, update):
    """Difference from the golden file, or None."""
    file = FOLDER / f"{name}.json"
    if update:
        FOLDER.mkdir(exist_ok=True)
        file.write_text(json.dumps({"istio": istio} | found, indent=2) + "\n")
        return None
    if not file.exists():
        return f"no {file.name}; run with --update"
    wanted = json.loads(file.read_text())
    wanted.pop("istio")
    if wanted == found:
        return None
    before, after = (json.dumps(one, indent=2).splitlines() for one in (wanted, found))
    changed = [line.strip() for line in after if line not in before][:3] or [line.strip() for line in before if line not in after][:3]
    return f"{file.name}: other than before: {' '.join(changed)}"
