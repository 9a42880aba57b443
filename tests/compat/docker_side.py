"""docker as a side: a daemon with its folders and its socket below one folder, without a network of its own."""

import contextlib
import os
import shutil
import subprocess
import time

import sides

START_SECONDS = 30


def answers(address):
    return subprocess.run(["docker", "--host", address, "version"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


def wait_until_it_answers(process, address, log):
    deadline = time.monotonic() + START_SECONDS
    while not answers(address):
        if process.poll() is not None or time.monotonic() > deadline:
            raise sides.CannotRun("dockerd does not start here: " + log.read_text().strip().rpartition("\n")[2])
        time.sleep(0.05)  # between two questions to a program that does not say when it is ready


@contextlib.contextmanager
def daemon(folder):
    """dockerd, as root in the caller's mount namespace; everybody who can enter `folder` may talk to it."""
    for program in ("docker", "dockerd"):
        if not shutil.which(program):
            raise sides.CannotRun(f"{program} is not installed")
    place = folder / "docker"
    place.mkdir(mode=0o711)
    address, log = f"unix://{place}/socket", place / "log"
    with open(log, "w") as file:
        process = subprocess.Popen(
            ["dockerd", "--data-root", place / "data", "--exec-root", place / "exec", "--pidfile", place / "pid",
             "--host", address, "--bridge=none", "--iptables=false", "--storage-driver=vfs"],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        wait_until_it_answers(process, address, log)
        os.chmod(place / "socket", 0o666)
        yield
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def side(folder):
    home = folder / "docker-home"
    home.mkdir()
    docker = sides.Side(shutil.which("docker"), {**sides.ENVIRONMENT, "HOME": str(home),
                                                 "DOCKER_HOST": f"unix://{folder}/docker/socket"})
    try:
        yield docker
    finally:
        docker.call("rm", "-f", "made", "ended", "running")
