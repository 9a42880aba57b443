"""What a container may be after a sequence of commands, any of which may have been killed: a set of states.

absent, created, running, exited are what they say. Others stand for what goes on although its command is dead:
starting (it still is what it was, and may run any moment), ending (it still runs, and ends by itself or was told to),
removing (it is still listed, perhaps).
"""

from dataclasses import dataclass

BECOMES = {"starting": {"created", "exited", "running", "ending"}, "ending": {"exited"}, "removing": {"absent"}}
SHOWN = {"absent": {None}, "created": {"created"}, "running": {"running"}, "exited": {"exited"},
         "starting": {"created", "exited", "initialized", "running"}, "ending": {"running", "stopping", "exited"},
         "removing": {None, "created", "exited", "running", "removing", "stopping"}}
STOPPED = ("created", "exited")

# verb -> state -> (whether it succeeds; None: may be either, states afterwards; None: the same).
VERBS = {
    "create": {"absent": (True, {"created"})},
    "run-d": {"absent": (True, {"running"})},
    "run": {"absent": (True, {"exited"})},
    "start": {"created": (True, {"running"}), "exited": (True, {"running"}), "running": (True, None)},
    "stop": {"created": (None, None), "exited": (True, None), "running": (True, {"exited"})},
    "kill": {"running": (True, {"ending"})},
    "restart": {"created": (True, {"running"}), "exited": (True, {"running"}), "running": (True, None)},
    "exec": {"running": (True, None)},
    "wait": {"exited": (True, None)},
    "rm": {"created": (True, {"absent"}), "exited": (True, {"absent"})},
    "rm-f": {state: (True, {"absent"}) for state in ("created", "exited", "running")} | {"absent": (None, None)},
    "inspect": {state: (True, None) for state in ("created", "exited", "running")},
}
# What a command that is killed may leave besides what was before and what would be afterwards.
KILLED = {"create": set(), "run-d": {"created", "starting"}, "run": {"created", "starting", "ending"},
          "start": {"starting"}, "stop": {"ending"}, "kill": set(), "restart": {"ending", "exited", "starting"},
          "exec": set(), "wait": set(), "rm": {"removing"}, "rm-f": {"ending", "exited", "removing"}, "inspect": set()}


@dataclass
class Container:
    name: str
    ends_alone: bool = False  # its program, once it runs
    removes_itself: bool = False  # --rm
    states: frozenset = frozenset({"absent"})
    marker: str = ""  # what a file of it is known to hold; "": not known

    def closed(self, states):
        """With all that may have happened meanwhile."""
        states = set(states)
        while True:
            more = set().union(*(BECOMES.get(state, set()) for state in states))
            if self.ends_alone and "running" in states:
                more.add("ending")
            if self.removes_itself and "exited" in states:
                more |= {"removing"}
            if more <= states:
                return frozenset(states)
            states |= more

    def outcome(self, verb, state):
        if state in ("starting", "ending", "removing"):
            return None, None
        if verb == "restart" and self.removes_itself and state == "running":
            return False, None  # its end would remove it
        return VERBS[verb].get(state, (False, None))

    def done(self, verb, succeeded):
        """Takes in that the command ended by itself; whether that could be."""
        possible = set()
        for state in self.closed(self.states):
            expected, after = self.outcome(verb, state)
            if expected is None or expected == succeeded:
                possible |= after if after and succeeded else {state}
        # A command that says it did something did it, whatever had been going on before.
        certain = set().union(*(after or {state} for state, (_, after) in VERBS[verb].items()))
        if succeeded and possible:
            # To stop one that does not run yet is to do nothing, as to start
            # one that somebody starts; and one that ends may still run for a while.
            goes_on = {"stop": {"starting"}, "start": {"starting", "ending"}, "exec": {"ending"}}.get(verb, set())
            possible = certain | (possible & goes_on)
        self.states = self.closed(possible)
        return bool(possible)

    def killed(self, verb):
        after = set(self.states) | KILLED[verb]
        for state in self.closed(self.states):
            after |= self.outcome(verb, state)[1] or set()
        self.states = self.closed(after)

    def seen(self, status):
        """Takes in what `inspect` shows (None: no such container); whether that could be."""
        self.states = self.closed(state for state in self.closed(self.states) if status in SHOWN[state])
        return bool(self.states)
