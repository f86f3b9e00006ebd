"""Report of a run: findings with the command to replay them, and the frequency of each value and each pair of
values.
"""

import collections

from dimensions import DIMENSIONS, impossible_pair


def finding(options, told):
    print(f"\nFINDING {told['findings'][0][0]} in exchange {told['number']} of seed {options.seed}")
    for kind, text in told["findings"]:
        print(f"  {kind}: {text}")
    if told["drawn"]:
        drawn = told.get("first drawn", told["drawn"])
        print("  drawn: " + " ".join(f"{name}={value}" for name, value in drawn.items()))
        if "minimal" in told:
            print("  smallest: " + (" ".join(f"{name}={value}" for name, value in told["minimal"].items()) or "the simplest value of every dimension"))
        print(f"  cards {told['cards']}, headers {told['headers']}, pieces {told['pieces']}")
        print(f"  sent     …{told['sent']}…")
        print(f"  received …{told['received']}…")
        log = {name: value for name, value in (told["log"] or {}).items() if value and name not in ("record", "exchange")}
        print(f"  log {log}")
        replay = "".join(f" WITH={one}" if place == 0 else f",{one}" for place, one in enumerate(told.get("replay", [])))
        print(f"  replay: make hostile-peers SEED={options.seed} ONLY={told['number']}{replay}", flush=True)


def summary(options, counts, values, pairs, findings, failed, seconds):
    missing, impossible, seen = [], collections.Counter(), 0
    names = list(DIMENSIONS)
    absent = [f"{name}={value}" for name in names for value in DIMENSIONS[name] if not values[name, value]]
    fewest = None
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            for one in DIMENSIONS[first]:
                for two in DIMENSIONS[second]:
                    count = pairs[first, one, second, two]
                    if count:
                        seen += 1
                        if fewest is None or count < fewest[0]:
                            fewest = (count, f"{first}={one} {second}={two}")
                        continue
                    reason = impossible_pair(first, one, second, two)
                    if reason:
                        impossible[reason] += 1
                    else:
                        missing.append(f"{first}={one} {second}={two}")
    kinds = collections.Counter(told["findings"][0][0] for told in findings)
    print(f"\n{counts['exchanges']} exchanges with {counts['cards']} cards in {seconds:.0f} s ({counts['exchanges'] / seconds:.0f}/s)")
    for name, count in sorted(counts.items()):
        if name not in ("exchanges", "cards"):
            print(f"  {name}: {count}")
    if options.only is None:
        print(f"  values that never occurred: {', '.join(absent) or 'none'}")
        print(f"  pairs of values: {seen} occurred, the rarest {fewest[0] if fewest else 0} times ({fewest[1] if fewest else ''}); {len(missing)} never")
        for one in missing[:20]:
            print(f"    never: {one}")
        for reason, count in sorted(impossible.items()):
            print(f"    impossible: {count} pairs, since {reason}")
    for one in failed:
        print(f"FAILED {one}")
    print(f"{len(findings)} findings" + (": " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()) if kinds else ""), flush=True)
    return {
        "seed": options.seed,
        "seconds": round(seconds, 1),
        "counts": dict(counts),
        "values": {name: {value: values[name, value] for value in DIMENSIONS[name]} for name in names},
        "pairs": {"occurred": seen, "rarest": fewest, "never": missing, "impossible": dict(impossible)},
        "failed": failed,
    }
