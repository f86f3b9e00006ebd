"""Tables at the end of a run."""

from judge import BLOCKED, LOST, MASKED, UNREAD

COLUMNS = (MASKED, BLOCKED, UNREAD, LOST)


def report(judge, events, renewed, memory):
    """The report, as lines of text."""
    lines = ["", f"{'protocol':12}{'exchanges':>12}" + "".join(f"{name:>10}" for name in COLUMNS)]
    for protocol in sorted({protocol for protocol, _ in judge.counts}):
        numbers = [judge.counts[protocol, column] for column in COLUMNS]
        lines.append(f"{protocol:12}{sum(numbers):12}" + "".join(f"{number:10}" for number in numbers))
    lines += _table("events", events | {"certificate renewed": sum(renewed.values())})
    lines += _table("unread because of", judge.unread)
    lines += _table("lost because of", judge.losses)
    lines += ["", "memory of each Envoy that ran long enough"]
    lines += [f"  {life.told()}, bound {life.bound() >> 20} MiB" for life in memory.judged()]
    lines += ["", f"findings: {judge.found or 'none'}", *(f"  {text}" for text in judge.findings)]
    return lines


def _table(title, counts):
    return ["", title, *(f"  {name:40}{number:8}" for name, number in sorted(counts.items()))]
