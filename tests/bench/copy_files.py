"""cp of a tree into a running container and out of it, beside podman and cp -a."""

import os
import random
import shutil

from measure import Contender, Goal

NAME = "copies"
FOLDERS, FILES_EACH, LARGE = 200, 35, 10
SMALL_BYTES, LARGE_BYTES = 16 * 1024, 8 * 1024 * 1024


def make_tree(folder):
    """7 000 files of some 16 KiB in 200 folders, and ten of 8 MiB: 190 MiB, the same every time."""
    chance = random.Random(1)
    for number in range(FOLDERS):
        inner = folder / f"folder-{number}"
        inner.mkdir(parents=True)
        for file in range(FILES_EACH):
            (inner / f"file-{file}").write_bytes(chance.randbytes(chance.randrange(2 * SMALL_BYTES)))
    for number in range(LARGE):
        (folder / f"large-{number}").write_bytes(chance.randbytes(LARGE_BYTES))
    count = sum(len(files) for _, _, files in os.walk(folder))
    total = sum((place / name).stat().st_size for place in [folder, *folder.iterdir()] if place.is_dir()
                for name in os.listdir(place) if (place / name).is_file())
    return f"{total / 2 ** 20:.0f} MiB, {count} files"


def copy_files(bench, image):
    tree, target = bench.stage / "tree", bench.stage / "copied"
    size = make_tree(tree)
    sides = [(bench.ours, bench.call_engine)]
    if bench.podman:
        bench.podman.call("pull", "-q", bench.archive)
        sides.append((bench.theirs, bench.podman.call))
    for _, call in sides:
        call("run", "-d", "--name", NAME, "--network", "none", image, "sleep", "100000")
        call("cp", str(tree), f"{NAME}:/source")
    bench.settle.accept_present()
    goal = Goal("podman", 3) if bench.podman else None

    def remove_copy():
        shutil.rmtree(target, ignore_errors=True)

    plain = Contender("cp -a", [shutil.which("cp"), "-a", str(tree), str(target)], bench.environment,
                      clean_up=remove_copy)
    into = [make("cp", str(tree), f"{NAME}:/copied", clean_up=lambda call=call: call("exec", NAME, "rm", "-rf", "/copied"))
            for make, call in sides]
    bench.measure(f"cp into a running container, {size}", [*into, plain], goal, runs=bench.words.pull_runs)
    out_of = [make("cp", f"{NAME}:/source", str(target), clean_up=remove_copy) for make, _ in sides]
    bench.measure(f"cp out of a running container, {size}", [*out_of, plain], goal, runs=bench.words.pull_runs)
    for _, call in sides:
        call("rm", "-f", "-t", "0", NAME)
    shutil.rmtree(tree)
