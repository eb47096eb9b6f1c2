"""The samples in formats/ (formats/README.md), and bad files made out of them."""

import copy
import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent / "formats"


def sample(name):
    return json.loads((FOLDER / name).read_text())


def faults(name):
    """Those of a sample."""
    return [fault for fault in sample("faults.json") if fault["file"] == name]


def _place(value, field):
    """The list or object of `value` that a field is in, and its index or name there."""
    if isinstance(value, list):
        index = re.match(r"\[(\d+)\]\.?", field)
        step, rest = int(index.group(1)), field[index.end() :]
    else:
        names = [name for name in value if re.match(re.escape(name) + r"([.\[]|$)", field)]
        step = max(names, key=len, default=field)
        rest = field[len(step) :].removeprefix(".")
    return _place(value[step], rest) if rest else (value, step)


def changed(whole, fault):
    """A copy of a sample with a fault."""
    made = copy.deepcopy(whole)
    around, step = _place(made, fault["field"])
    if "value" in fault:
        around[step] = fault["value"]
    else:
        del around[step]
    return made


def fields(value, at=""):
    """The place of each field of a JSON value that is in an object."""
    if isinstance(value, dict):
        for name, member in value.items():
            place = f"{at}.{name}" if at else name
            yield place
            yield from fields(member, place)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from fields(member, f"{at}[{index}]")
