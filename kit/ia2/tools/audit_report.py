"""The command line of the audit: OUT or a program in, a line per check (or JSON) out."""

import argparse
import dataclasses
import json
import os

from ..base.failure import Failure, exit_status
from ..elf import elf, plugin_file
from ..formats import fields
from ..formats.audit import GROUPS, AuditResult
from ..formats.plan import Compartment, Entry, Import, Plan
from ..stages import audit
from ..stages.audit import Expected


def derived_plan(program: str) -> Expected:
    """What the files themselves say of the plan: compartments, and the functions whose gates are
    imported. For a program that was installed, or published by a build system. Failure if it is not
    a compartmentalized program.
    """
    folder, name = os.path.split(os.path.abspath(program))
    files, queue = [], [name]
    tables: dict[str, list[elf.Symbol]] = {}
    plugins: set[str] = set()
    while queue:
        current = queue.pop(0)
        if current in files:
            continue
        path = os.path.join(folder, current)
        try:
            image = elf.Elf.read(path)
        except (elf.ElfError, OSError) as error:
            raise Failure(
                f"cannot be audited: {error}", path, "name a program made by rewrite.py"
            ) from None
        files.append(current)
        tables[current] = image.symbols(elf.SHT_DYNSYM)
        needs = image.dynamic_strings(elf.DT_NEEDED)
        plugins |= {plugin for needed in needs if (plugin := plugin_file.plugin_of(needed))}
        queue += [needed for needed in needs if needed.endswith(".ia2.so")]
        if not queue:
            queue += sorted(plugins.difference(files))
    if len(files) == 1 and not any(symbol.name.startswith("ia2_") for symbol in tables[name]):
        raise Failure(
            "is not a compartmentalized program: it needs neither the runtime nor a NAME.ia2.so",
            program,
            "name a program made by rewrite.py",
        )
    # What plugins export are their entries; two may have one of the same name.
    owners = {
        symbol.name: key
        for key, file in enumerate(files, 1)
        for symbol in tables[file]
        if symbol.defined and file not in plugins and symbol.name.startswith("__wrap_")
    }
    return Expected(
        compartments=[
            Compartment(
                name=file.removesuffix(".ia2.so"),
                pkey=key,
                pkru=0,
                reads=[],
                file=file,
                plugin=file if file in plugins else None,
                guests=True,
                system_calls=0,
            )
            for key, file in enumerate(files, 1)
        ],
        imports=[
            Import(symbol.removeprefix("__wrap_"), "function", owner, [])
            for symbol, owner in sorted(owners.items())
        ],
        entries=[
            Entry(symbol.name.removeprefix("__wrap_"), key, "function")
            for key, file in enumerate(files, 1)
            for symbol in tables[file]
            if file in plugins and symbol.defined and symbol.name.startswith("__wrap_")
        ],
    )


def target(path: str) -> tuple[str, Plan | Expected, str | None]:
    """(folder of the files, plan, where audit.json goes) of OUT, of OUT/bin/PROGRAM, or of a
    program elsewhere. The plan of OUT holds for the files of OUT/bin and for no copy of these: a
    program elsewhere is judged by what its own files say. A link to a program means the program."""
    if os.path.isdir(path):
        plan_path = os.path.join(path, Plan.FILE)
        if not os.path.exists(plan_path):
            raise Failure(
                "has no plan.json",
                path,
                "name the output directory of rewrite.py, or a program made by it",
            )
        plan = fields.load(Plan, plan_path)
        return os.path.join(path, "bin"), plan, os.path.join(path, AuditResult.FILE)
    folder, name = os.path.split(os.path.realpath(path))
    out = os.path.dirname(folder)
    plan_path = os.path.join(out, Plan.FILE)
    if os.path.basename(folder) == "bin" and os.path.exists(plan_path):
        plan = fields.load(Plan, plan_path)
        if name == plan.compartments[0].file:
            return folder, plan, os.path.join(out, AuditResult.FILE)
    return folder, derived_plan(os.path.join(folder, name)), None


def report(options: argparse.Namespace) -> int:
    folder, plan, file = target(options.target)
    result = audit.Audit(folder, plan, options.permissive).run()
    if file:
        fields.save(result, file)
    checks = [check for check in result.checks if not options.only or check.group in options.only]
    failed = sum(not check.ok for check in checks)
    if options.json:
        shown = dataclasses.replace(result, ok=not failed, checks=checks)
        print(json.dumps(fields.as_json(shown), indent=1))
        return 1 if failed else 0
    for check in checks:
        if not check.ok or not options.quiet:
            print(
                f"{'ok    ' if check.ok else 'FAILED'} {check.file}:"
                f" {check.check}{': ' if check.detail else ''}{check.detail}"
            )
    if result.permissive:
        print("PERMISSIVE: NOTHING IS ENFORCED in this program")
    print(f"{len(checks) - failed} checks passed, {failed} failed")
    return 1 if failed else 0


def main(description: str) -> int:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "target",
        metavar="PROGRAM",
        help="a compartmentalized program, or the output directory of rewrite.py",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print only what failed")
    parser.add_argument("--json", action="store_true", help="print the contents of audit.json")
    parser.add_argument(
        "--permissive",
        action="store_true",
        help="accept that the program was built permissive, so that nothing is enforced",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=GROUPS,
        help="only the checks of this group; may be repeated",
    )
    options = parser.parse_args()
    return exit_status(lambda: report(options))
