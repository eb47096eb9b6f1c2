"""Runs inside gdb: prints a line of JSON for each stop of the program, until it ends.

IA2_STEPS=FUNCTION: single-steps from FUNCTION's first instruction until it has returned, a stop
after each instruction."""

import json
import os
import re

import gdb

GATE = re.compile(r"ia2_gate_from_(\d+)_to_(\d+)")


def stack() -> list[list]:
    """[name, file, line] of each frame, innermost first. A name that is not known is `? of FILE`;
    the two frames of a gate are one, called `FROM>TO`. In the end why there is no other."""
    frames, frame = [], gdb.newest_frame()
    while frame is not None:
        name = frame.name() or f"? of {os.path.basename(gdb.solib_name(frame.pc()) or '?')}"
        gate = GATE.fullmatch(name)
        sal = frame.find_sal()
        if frame.type() == gdb.SIGTRAMP_FRAME:
            frames.append(["<signal>", "", 0])
        elif gate:
            frames.append([f"{gate[1]}>{gate[2]}", "", 0])
        elif not name.endswith(".entered"):
            frames.append([name, sal.symtab.filename if sal.symtab else "", sal.line])
        last, frame = frame, frame.older()
    return [*frames, [gdb.frame_stop_reason_string(last.unwind_stop_reason()), "", 0]]


def show(label: str) -> None:
    try:
        found = stack()
    except gdb.error as error:
        found = [[f"error: {error}", "", 0]]
    # Past gdb's own output, which to_string takes.
    os.write(1, f"\n@ {json.dumps([label, found])}\n".encode())


class Here(gdb.Breakpoint):
    def stop(self):
        show(gdb.newest_frame().read_var("label").string())
        return False


def running() -> bool:
    return any(thread.is_valid() for thread in gdb.selected_inferior().threads())


def stopped(event) -> None:
    if isinstance(event, gdb.SignalEvent):
        show(event.stop_signal)


for setting in (
    "pagination off",
    "confirm off",
    "debuginfod enabled off",
    "may-call-functions off",  # gdb 13 fails to call one on a CPU with AMX
    "backtrace past-main on",
    "breakpoint pending on",
    "print thread-events off",
):
    gdb.execute(f"set {setting}")
gdb.execute("handle SIGUSR1 nostop noprint pass")
if os.environ.get("IA2_STEPS"):
    gdb.execute("break main")
    gdb.execute("run", to_string=True)
    gdb.execute(f"break *{os.environ['IA2_STEPS']}")
    gdb.execute("continue", to_string=True)
    caller = gdb.newest_frame().older()
    thread = gdb.selected_thread()
    while gdb.newest_frame() != caller:
        gdb.execute("stepi", to_string=True)
        if gdb.selected_thread() == thread:
            show(f"{gdb.newest_frame().pc():#x}")
        else:  # a new one, which has got the trap flag of who made it
            thread.switch()
else:
    for where in ("app_here", "lib_here", "third_here"):
        Here(where)
    gdb.execute("break ia2_violation_report", to_string=True)
    gdb.events.stop.connect(stopped)
    gdb.execute("run", to_string=True)
    while running():
        if gdb.newest_frame().name() == "ia2_violation_report":
            show("report")
        gdb.execute("continue", to_string=True)
