"""Builds the kit, and the PKU VM's image where it is needed: `python3 -m ia2.tools.setup`.

Quick when nothing is to be done."""

import os
import subprocess
import sys

from ..vm import vm, vm_image

# By full path: a `meson` of some other Python ahead in PATH may be too old, or one that lacks
# Debian's modules.
MESON, NINJA = "/usr/bin/meson", "/usr/bin/ninja"


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def build_kit() -> bool:
    """Configures once, then builds what changed; the tools' output is shown only when something is
    wrong."""
    build = vm.build_dir()
    commands = []
    if not (build / "build.ninja").exists():
        commands.append([MESON, "setup", str(build), str(vm.SOURCE)])
    commands.append([NINJA, "-C", str(build)])
    for command in commands:
        if command[0] == MESON:
            say(f"configuring the kit in {build}")
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        except FileNotFoundError:
            say(f"error: {command[0]} not found; run scripts/setup")
            return False
        if done.returncode != 0:
            sys.stderr.write(done.stdout)
            say(f"error: `{' '.join(command)}` failed (exit status {done.returncode})")
            return False
        if command[0] == NINJA and "no work to do" not in done.stdout:
            say("built the kit")
    return True


def main() -> int:
    os.makedirs(vm.build_dir(), exist_ok=True)
    if not build_kit():
        return 1
    if not vm.pku_host():
        try:
            vm.qemu_version()
            vm_image.prepare(vm.build_dir(), say)
        except (vm.VmError, vm_image.ImageError) as error:
            say(f"error: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
