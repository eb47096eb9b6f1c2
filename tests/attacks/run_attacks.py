#!/usr/bin/python3
"""Runs attacks where it is started: `run_attacks.py PROGRAM JOBS ATTACKER:NAME...`.

One line of JSON an attack: {"attack", "attacker", "status", "out", "err", "seconds"}; the status is
negative for a signal, and null when the time was up.
"""

import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LIMIT = 40  # seconds for one attack; a victim that hangs has not lost its secret


def attack(program: str, attacker: str, name: str) -> dict:
    """In a folder of its own: some attacks change the files there."""
    with tempfile.TemporaryDirectory() as folder:
        own = os.path.join(folder, "bin")
        shutil.copytree(os.path.dirname(program), own, copy_function=os.link)
        return attack_in(own, os.path.basename(program), attacker, name)


def attack_in(folder: str, program: str, attacker: str, name: str) -> dict:
    began = time.monotonic()
    process = subprocess.Popen(
        [os.path.join(folder, program), attacker, name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd=folder,
    )
    try:
        out, err = process.communicate(timeout=LIMIT)
        status = process.returncode
    except subprocess.TimeoutExpired:
        status = None
    try:
        os.killpg(process.pid, signal.SIGKILL)  # what an attack left behind
    except ProcessLookupError:
        pass
    if status is None:
        out, err = process.communicate()
    return {
        "attack": name,
        "attacker": int(attacker),
        "status": status,
        "out": out.decode("latin1")[-4000:],
        "err": err.decode("latin1")[-4000:],
        "seconds": round(time.monotonic() - began, 2),
    }


def main(program: str, jobs: str, *attacks: str) -> None:
    # In the VM, /tmp is memory, and the rest a file system that asks this machine for everything.
    with tempfile.TemporaryDirectory() as folder:
        copied = shutil.copytree(os.path.dirname(program), os.path.join(folder, "bin"))
        run_all(os.path.join(copied, os.path.basename(program)), jobs, attacks)


def run_all(program: str, jobs: str, attacks) -> None:
    with concurrent.futures.ThreadPoolExecutor(int(jobs)) as pool:
        running = [pool.submit(attack, program, *word.split(":")) for word in attacks]
        for done in concurrent.futures.as_completed(running):
            print(json.dumps(done.result()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
