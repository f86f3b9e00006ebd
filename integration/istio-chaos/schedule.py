"""Order of events. It depends only on the seed."""

from dataclasses import dataclass

POLICIES = {"mask": {}, "mask all digits": {"mask": {"keep": "none"}}, "block": {"request": "block"}}
RESTARTED_PODS = ("cart", "checkout")
# Maximum number of events during an outage of istiod or the registry, so that certificates do not expire.
AWAY_EVENTS = 2


@dataclass
class Event:
    kind: str
    detail: str = ""
    # Pause before it, in seconds.
    pause: float = 0

    def __str__(self):
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


class Schedule:
    """Possible events, and restrictions during an outage."""

    def __init__(self, rng, images):
        self.rng, self.images = rng, images
        self.policy, self.image = "mask", 0
        self.present, self.rejected = True, False
        # Number of events since each of the two became unavailable.
        self.away = {}
        # Whether a pod may be without the module, which it gets when the registry returns.
        self.unfetched = False
        # Pods whose restart waits for istiod.
        self.waiting = set()

    def events(self):
        while True:
            event = self._next()
            quick = bool(self.away)
            event.pause = self.rng.uniform(2, 6) if quick else self.rng.uniform(4, 16)
            yield event

    def _next(self):
        for name, events in self.away.items():
            if events >= self.rng.randint(1, AWAY_EVENTS):
                return self._return(name)
        self.away = {name: events + 1 for name, events in self.away.items()}
        choices = self._choices()
        make = self.rng.choices(list(choices), weights=choices.values())[0]
        return make()

    def _choices(self):
        """Possible events, with their weights."""
        istiod, registry = "istiod" not in self.away, "registry" not in self.away
        choices = {self._restart: 3}
        if istiod and registry:
            choices |= {lambda: self._leave("istiod"): 1, lambda: self._leave("registry"): 1}
        if not self.present:
            # A pod without a module could not confirm a return.
            if not self.unfetched:
                choices[self._restore] = 12
            return choices
        choices |= {self._edit: 4, self._remove: 3}
        if istiod:
            choices[self._upgrade] = 3
        if istiod and registry and not self.rejected:
            choices[self._reject] = 3
        return choices

    def _leave(self, name):
        self.away[name] = 0
        return Event(f"{name} away")

    def _return(self, name):
        del self.away[name]
        if name == "registry":
            self.unfetched = False
        else:
            self.waiting = set()
        return Event(f"{name} back")

    def _restart(self):
        free = [name for name in RESTARTED_PODS if name not in self.waiting]
        if not free:
            return Event("quiet")
        name = self.rng.choice(free)
        if "istiod" in self.away:
            self.waiting.add(name)
        if "registry" in self.away and name != "checkout":
            self.unfetched = True
        return Event(self.rng.choice(["proxy restarted", "proxy killed"]), name)

    def _edit(self):
        self.policy = self.rng.choice([name for name in POLICIES if name != self.policy])
        self.rejected = False
        return Event("policy edit", self.policy)

    def _reject(self):
        self.rejected = True
        return Event("rejected policy")

    def _upgrade(self):
        self.image = self.rng.choice([number for number in range(self.images) if number != self.image])
        self.rejected = False
        if "registry" in self.away:
            self.unfetched = True
        return Event("upgrade", str(self.image))

    def _remove(self):
        self.present = self.rejected = False
        return Event("plugin removed")

    def _restore(self):
        self.present = True
        return Event("plugin returned")
