"""Shrinks a failing exchange: as few values as possible that are not the simplest."""

import generator
import worker as running
from dimensions import CHAINS, CHAIN_DIMENSIONS, DIMENSIONS, chain_of, wrong

# Some findings depend on timing, so an exchange counts as clean only after this many attempts.
TRIES = 3


def like(drawn, name):
    """The chains with this value and, as far as possible, the other values, when there is no exact one."""
    fit = [chain for chain in CHAINS if chain[name] == drawn[name]]
    same = lambda chain: sum(chain[other] == drawn[other] for other in CHAIN_DIMENSIONS)
    return [dict(drawn, **chain) for chain in sorted(fit, key=same, reverse=True) if same(chain) == len(CHAIN_DIMENSIONS) - 1]


async def smallest(worker, number, report):
    best = dict(report["drawn"])
    kind = report["findings"][0][0]
    last = report

    async def fails(drawn):
        nonlocal last
        if wrong(drawn) or chain_of(drawn) is None:
            return False
        made = generator.make(worker.options.seed, number, drawn)
        for _ in range(TRIES):
            findings, exchange, log = await worker.confirmed(made)
            if findings and findings[0].kind == kind:
                last = running.describe(number, made, findings, exchange, log)
                return True
        return False

    for _ in range(2):
        before = dict(best)
        for name in DIMENSIONS:
            for simple in list(DIMENSIONS[name])[:2]:
                if best[name] == simple:
                    break
                trial = dict(best, **{name: simple})
                if name == "framing" and simple == "whole":
                    trial["gap"] = "0ms"
                trials = [trial] if chain_of(trial) is not None else like(trial, name)
                for trial in trials[:4]:
                    if await fails(trial):
                        best = trial
                        break
                if best[name] == simple:
                    break
        if best == before:
            break
    first = report["drawn"]
    last["replay"] = [f"{name}={value}" for name, value in best.items() if first[name] != value]
    last["minimal"] = {name: value for name, value in best.items() if value != next(iter(DIMENSIONS[name]))}
    last["first drawn"] = first
    return last
