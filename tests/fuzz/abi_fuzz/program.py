"""The C text of a group of signatures: both sides of each call. PART says which side a compilation
is."""

import pathlib
import random

from tests.fuzz.abi_fuzz import c_types
from tests.fuzz.abi_fuzz.c_types import Record
from tests.fuzz.abi_fuzz.signatures import (
    CALLBACK,
    OLD_STYLE,
    RETURNED,
    UNPROTOTYPED,
    UNPROTOTYPED_CALLBACK,
    VA_LIST,
    VARIADIC_CALLBACK,
    WITH_LIST,
    Signature,
)

HARNESS = pathlib.Path(__file__).resolve().parent / "harness.h"
THROUGH_POINTER = (CALLBACK, RETURNED, VARIADIC_CALLBACK, UNPROTOTYPED_CALLBACK)


class Images:
    """The bytes of all objects, each followed by its mask."""

    def __init__(self):
        self.bytes = bytearray()

    def add(self, it, rng) -> int:
        at = len(self.bytes)
        value, mask = it.value(rng), it.mask()
        assert len(value) == len(mask) == it.size, it
        # What means nothing is garbage.
        garbage = rng.randbytes(it.size)
        self.bytes += bytes(v & m | g & ~m & 0xFF for v, m, g in zip(value, mask, garbage)) + bytes(
            mask
        )
        return at


def type_definitions(signatures) -> str:
    types = c_types.closure([it for signature in signatures for it in signature.types()])
    text = "struct opaque;\n"
    for it in types:
        text += it.definition()
        if isinstance(it, Record):
            text += (
                f"_Static_assert(sizeof({it.name}) == {it.size} && __alignof__({it.name}) =="
                f' {it.align}, "");\n'
            )
    return text


class Call:
    """The text of one signature. It makes its values in `images`."""

    def __init__(self, signature: Signature, images: Images):
        self.it, self.n = signature, signature.number
        rng = random.Random(signature.seed)
        self.at = [images.add(parameter, rng) for parameter in signature.parameters]
        self.result_at = images.add(signature.result, rng) if signature.result else 0
        self.result = signature.result.name if signature.result else "void"

    def parameter_list(self) -> str:
        named = [f"{it.name} a{i}" for i, it in enumerate(self.it.parameters[: self.it.fixed])]
        if self.it.mode == VA_LIST:
            named.append("va_list list")
        elif self.it.mode in WITH_LIST:
            named.append("...")
        return ", ".join(named) or "void"

    def declarations(self) -> str:
        n, mode = self.n, self.it.mode
        lines = [f"/* {n}, {mode}: {self.it.text()} */\n"]
        lines += [
            f"{it.name[:-2]};\n" for it in self.it.types() if it.name.startswith("struct tag")
        ]
        if mode in THROUGH_POINTER:
            parameters = "" if mode in OLD_STYLE else self.parameter_list()
            lines.append(f"typedef {self.result} type{n}({parameters});\n")
            lines.append(
                f"type{n} *get{n}(void);\n"
                if mode == RETURNED
                else f"void run{n}(type{n} *function);\n"
            )
        elif mode == UNPROTOTYPED:
            lines.append(f"{self.result} call{n}();\n")
        else:
            lines.append(f"{self.result} call{n}({self.parameter_list()});\n")
        return "".join(lines)

    def callee(self) -> str:
        n, it = self.n, self.it
        name, body = f"call{n}", [f"    ENTRY({n});\n"]
        if it.mode in WITH_LIST:
            listed = range(it.fixed, len(it.parameters))
            if it.mode != VA_LIST:
                body.append(f"    va_list list;\n    va_start(list, a{it.fixed - 1});\n")
            body += [
                f"    {it.parameters[i].name} a{i} = va_arg(list, {it.parameters[i].name});\n"
                for i in listed
            ]
            if it.mode != VA_LIST:
                body.append("    va_end(list);\n")
        body += [f'    CHECK({n}, "argument", {i}, a{i}, {at});\n' for i, at in enumerate(self.at)]
        body += [f"    TRASH(a{i});\n" for i in range(len(self.at))]
        if it.result:
            body.append(
                f"    {self.result} result;\n    LOAD(result, {self.result_at});\n    return"
                " result;\n"
            )
        if it.mode in OLD_STYLE and it.parameters:
            names = ", ".join(f"a{i}" for i in range(len(it.parameters)))
            types = " ".join(f"{parameter.name} a{i};" for i, parameter in enumerate(it.parameters))
            head = f"{self.result} {name}({names}) {types}"
        else:
            head = f"{self.result} {name}({self.parameter_list()})"
        static = "static " if it.mode in THROUGH_POINTER else ""
        getter = f"type{n} *get{n}(void) {{ return {name}; }}\n" if it.mode == RETURNED else ""
        return f"{static}{head} {{\n{''.join(body)}}}\n{getter}"

    def caller(self) -> str:
        n, it = self.n, self.it
        callee = "function" if it.mode in THROUGH_POINTER else f"call{n}"
        arguments = ", ".join(f"a{i}" for i in range(len(it.parameters)))
        loads = "".join(
            f"    {parameter.name} a{i};\n    LOAD(a{i}, {at});\n"
            for i, (parameter, at) in enumerate(zip(it.parameters, self.at))
        )
        checks = "".join(
            f'    CHECK({n}, "passed object", {i}, a{i}, {at});\n' for i, at in enumerate(self.at)
        )
        if it.mode == RETURNED:
            loads = f"    type{n} *const function = get{n}();\n" + loads
        before = ""
        if it.mode == VA_LIST:
            before, callee = self.forwarder(), f"forward{n}"
            arguments = ", ".join(["0", *(f"a{i}" for i in range(len(it.parameters)))])
        call = f"{callee}({arguments});"
        if it.result:
            body = (
                f"{loads}    SLOT({self.result});\n    PLANT({n});\n    slot.value = {call}\n   "
                f' KEPT({n});\n    CHECK({n}, "result", 0, slot.value, {self.result_at});\n   '
                f" SLOT_KEPT({n});\n{checks}"
            )
        else:
            body = f"{loads}    PLANT({n});\n    {call}\n    KEPT({n});\n{checks}"
        given = it.mode in THROUGH_POINTER and it.mode != RETURNED
        head = f"void run{n}(type{n} *function)" if given else f"static void run{n}(void)"
        return f"{before}{head} {{\n{body}}}\n"

    def forwarder(self) -> str:
        """From a call with the arguments to one with a list of them."""
        n, it = self.n, self.it
        named = "".join(
            f", {parameter.name} a{i}" for i, parameter in enumerate(it.parameters[: it.fixed])
        )
        last = f"a{it.fixed - 1}" if it.fixed else "first"
        arguments = ", ".join([*(f"a{i}" for i in range(it.fixed)), "list"])
        keep, give = (f"{self.result} result = ", "    return result;\n") if it.result else ("", "")
        return (
            f"static {self.result} forward{n}(int first{named}, ...) {{\n    va_list list;\n   "
            f" va_start(list, {last});\n    {keep}call{n}({arguments});\n   "
            f" va_end(list);\n{give}}}\n"
        )

    def start(self) -> tuple[int, str]:
        """In which part the call is started, and how."""
        if self.it.mode in THROUGH_POINTER and self.it.mode != RETURNED:
            return self.it.callee(), f"run{self.n}(call{self.n});"
        return self.it.caller, f"run{self.n}();"


def starter(calls, group: int) -> tuple[str, str]:
    """For each part the function that starts a call by its number; 0: prints the part's totals."""
    cases = {1: "", 2: ""}
    for call in calls:
        part, text = call.start()
        cases[part] += f"    case {call.n}: {text} break;\n"
        if part == 2:
            cases[1] += f"    case {call.n}: lib_group{group}({call.n}); break;\n"
    cases[1] += f"    case 0: total({group}); lib_group{group}(0); break;\n"
    cases[2] += f"    case 0: total({group}); break;\n"
    return tuple(
        f"void {side}_group{group}(int number) {{\n    switch (number) {{\n{cases[part]}   "
        " }\n}\n"
        for part, side in ((1, "app"), (2, "lib"))
    )


def group_text(signatures, group: int) -> tuple[str, bytes]:
    """The C text of both parts without what provides `images`, and these."""
    images = Images()
    calls = [Call(signature, images) for signature in signatures]
    app, lib = starter(calls, group)
    text = type_definitions(signatures) + "".join(call.declarations() for call in calls)
    text += f"void lib_group{group}(int number);\n"
    for part, start in ((1, app), (2, lib)):
        text += "#if PART == 1\n" if part == 1 else "#else\n"
        for call in calls:
            text += call.caller() if call.it.caller == part else ""
            text += call.callee() if call.it.caller != part else ""
        text += start
    return text + "#endif\n", bytes(images.bytes)


def main_text(groups) -> str:
    """`groups`: for each the numbers of its signatures. `prog [trace [FIRST]]` makes the calls in
    order from FIRST on; with trace it says before each which it is."""
    text = "#include <stdio.h>\n#include <stdlib.h>\n" + "".join(
        f"void app_group{g}(int number);\n" for g in range(len(groups))
    )
    text += (
        "int main(int argc, char **argv) {\n    const int from = argc > 2 ? atoi(argv[2]) : 0;\n"
    )
    for g, numbers in enumerate(groups):
        text += (
            f"    for (int n = {numbers[0]}; n <= {numbers[-1]}; n++) {{\n        if (n < from)\n  "
            '          continue;\n        if (argc > 1)\n            dprintf(1, "at %d\\n", n);\n '
            f"       app_group{g}(n);\n    }}\n"
        )
    return (
        text + "".join(f"    app_group{g}(0);\n" for g in range(len(groups))) + "    return 0;\n}\n"
    )


def group_file(signatures, group: int, file: str) -> tuple[str, bytes]:
    """A source whose images are in the binary `file`."""
    text, images = group_text(signatures, group)
    head = (
        '__asm__(".section .rodata, \\"a\\"\\n.balign 64\\nimages: .incbin'
        f' \\"{file}\\"\\n.text");\n__attribute__((visibility("hidden"))) extern const unsigned'
        ' char images[];\n#include "harness.h"\n'
    )
    return head + text, images


def single_file(signatures: list, comment: str) -> str:
    """One C file with everything, which a person can read, compile twice (-DPART=1, -DPART=2) and
    link."""
    signatures = sorted(signatures, key=lambda it: it.number)
    text, images = group_text(signatures, 0)
    rows = [
        ", ".join(f"{byte:#04x}" for byte in images[i : i + 24]) for i in range(0, len(images), 24)
    ] or ["0"]
    table = "static const unsigned char images[] = {\n    " + ",\n    ".join(rows) + "\n};\n"
    main = f"#if PART == 1\n{main_text([[it.number for it in signatures]])}#endif\n"
    return f"/* {comment} */\n{table}{HARNESS.read_text()}{text}{main}"
