"""Benchmarks of single commands on containers, of many at once, and of many that stay."""

import shlex
import statistics
import time

from measure import Contender, Goal

NET = ("--network", "none")
NAME = "life"
# Ends on SIGTERM at once, as a well-made service does.
SERVICE = ("sh", "-c", 'trap "exit 0" TERM; sleep 100000 & wait')
SHORT = ("sleep", "0.3")  # what is started ends before the next turn
AT_ONCE = 50
SLEEPERS = 1000
REMOVE = ("rm", "-f", "-t", "0", NAME)


def rows(image):
    """Title, the command, what comes before it, and what after it."""
    service = ("run", "-d", "--name", NAME, *NET, image, *SERVICE)
    return (
        ("create", ("create", "--name", NAME, *NET, image, "true"), (), REMOVE),
        ("run -d", ("run", "-d", "--name", NAME, *NET, image, *SHORT), (), REMOVE),
        ("start", ("start", NAME), ("create", "--name", NAME, *NET, image, *SHORT), REMOVE),
        ("stop, of a program that ends on SIGTERM", ("stop", NAME), service, REMOVE),
        ("rm -f, of a program that ends on SIGTERM", ("rm", "-f", NAME), service, ()),
    )


def life(bench, image):
    engines = [(bench.ours, bench.call_engine)]
    if bench.podman:
        bench.podman.call("pull", "-q", bench.archive)
        engines.append((bench.theirs, bench.podman.call))
    goal = Goal("podman", 8) if bench.podman else None

    def contenders(command, before=(), after=()):
        return [make(*command, prepare=before and (lambda call=call: call(*before)),
                     clean_up=after and (lambda call=call: call(*after))) for make, call in engines]

    for title, command, before, after in rows(image):
        bench.measure(title, contenders(command, before, after), goal)
    printing = ("sh", "-c", f'i=0; while [ $i -lt 100 ]; do echo "line $i"; i=$((i+1)); done; {SERVICE[2]}')
    for _, call in engines:
        call("run", "-d", "--name", NAME, *NET, image, *printing)
    bench.settle.accept_present()
    for command in (("exec", NAME, "true"), ("inspect", NAME), ("logs", NAME)):
        bench.measure(" ".join(command), contenders(command), goal)
    for _, call in engines:
        call(*REMOVE)
    at_once(bench, image)
    sleepers(bench, image)


def at_once(bench, image):
    """One that fails fails it all."""
    def contender(name, words, environment):
        one = shlex.join([*words, "run", "--rm", *NET, image, "true"])
        script = f"for i in $(seq {AT_ONCE}); do {one} & pids=\"$pids $!\"; done; for pid in $pids; do wait $pid || exit 1; done"
        return Contender(name, ["/bin/sh", "-c", script], environment)

    contenders = [contender("engine", bench.engine(), bench.environment)]
    if bench.podman:
        contenders.append(contender("podman", bench.podman.words(), bench.podman.environment))
    bench.measure(f"{AT_ONCE} run --rm at once", contenders, Goal("podman", 10) if bench.podman else None,
                  runs=bench.words.pull_runs)


def sleepers(bench, image):
    start = time.perf_counter()
    for _ in range(SLEEPERS):
        bench.call_engine("run", "-d", *NET, image, "sleep", "100000")
    started = time.perf_counter() - start
    bench.settle.accept_present()
    listing = Contender("engine", bench.engine("ps", "-q"), bench.environment)
    bench.measure(f"ps -q, {SLEEPERS} that run", [listing])
    listed = statistics.median(listing.seconds) if listing.seconds else 0
    start = time.perf_counter()
    bench.call_engine("stop", "--all", "--time", "0")
    stopped = time.perf_counter() - start
    left = len(bench.call_engine("ps", "-q").splitlines())
    bench.remarks.append(f"{SLEEPERS} detached sleepers: started in {started:.1f} s, listed in {listed * 1000:.1f} ms (goal 20), "
                         f"stopped in {stopped:.1f} s, {left} left")
    bench.call_engine("rm", "--all", "--force", "--time", "0")
