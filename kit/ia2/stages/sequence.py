"""The stages of the pipeline, in order.

A run in which nothing has changed asks each stage for its key only. So the modules that do the work
are imported where the work is done: importing all of them takes longer than such a run.
"""

import os

from ..base.failure import Failure
from .stage import Done, Run, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..formats.audit import AuditResult

GRAPH, COMMANDS, PLAN = "build-graph.json", "compile_commands.json", "plan.json"
# What an earlier round of the link found (further_needs.py).
FURTHER_NEEDS = "further-needs.json"
BOUNDARY, DESTRUCTORS, AUDIT = "boundary.json", "destructors.json", "audit.json"


class CaptureStage(Stage):
    """Reads the project's build."""

    name = "capture"
    outputs = (GRAPH, COMMANDS)

    def key(self, run: Run) -> list[object]:
        options = run.options
        return [
            os.path.realpath(options.project),
            options.capture is not None,
            run.recorded,
            options.target,
            options.library,
            options.source_root,
            os.path.abspath(options.policy),
        ]

    def make(self, run: Run) -> Done:
        from ..base import atomic
        from ..builds import capture, object_inputs
        from ..elf import symbols
        from ..formats import fields
        from . import plan

        options, policy = run.options, run.policy()
        taken = capture.Capture(
            capture.find_build(options.project, run.recorded, options.capture is not None)
        )
        root = options.source_root or taken.build.source_root() or os.path.dirname(taken.build_dir)

        def is_main(objects: capture.Direct, top: str | None) -> bool:
            found = options.source_root or top or root
            owners = plan.Owners(policy, os.path.realpath(found), taken.build_dir)
            return any(
                owners.key(source) == 1
                and os.path.exists(path)
                and "main" in symbols.read(path).kinds
                for path, source in objects.items()
            )

        program = capture.choose_program(taken, options.target, is_main)
        graph = capture.graph(taken, program, options.source_root, policy)
        capture.need_libraries(graph, options.library)
        object_inputs.Inputs(run.path(object_inputs.FILE)).check(taken.made, taken.build.remedy)
        atomic.write_json(run.path(COMMANDS), taken.commands)
        fields.save(graph, run.path(GRAPH))
        objects = [record.path for record in graph.objects]
        shown = os.path.relpath(program, taken.build_dir)
        return Done(
            f"{shown}: {len(objects)} objects, {len(taken.commands)} of them C",
            read=[*taken.build.files, options.policy, *objects, *graph.inputs],
        )


class CanonicalizeStage(Stage):
    """Makes the compile database canonical, in place."""

    name = "canonicalize"
    outputs = (COMMANDS,)

    def make(self, run: Run) -> Done:
        from ..builds import canonicalize

        canonicalize.canonicalize_file(run.path(COMMANDS))
        return Done(f"{len(run.commands())} commands", read=[])


class PlanStage(Stage):
    """Brings policy and build graph together."""

    name = "plan"
    inputs = (GRAPH, COMMANDS, FURTHER_NEEDS)
    outputs = (PLAN,)

    def key(self, run: Run) -> list[object]:
        return [os.path.abspath(run.options.policy), run.options.debug]

    def make(self, run: Run) -> Done:
        from ..formats import fields
        from ..formats.build_graph import BuildGraph
        from . import further_needs, plan

        made = plan.make(
            run.policy(),
            fields.load(BuildGraph, run.path(GRAPH)),
            run.commands(),
            further_needs.read(run.path(FURTHER_NEEDS)),
            run.options.debug,
        )
        fields.save(made, run.path(PLAN))
        return Done(
            f"{len(made.compartments)} compartments, {len(made.imports)} names cross",
            read=[run.options.policy, *made.other_programs.values()],
        )


class RewriteStage(Stage):
    """Runs the rewriter."""

    name = "rewrite"
    inputs = (GRAPH, COMMANDS, PLAN)
    outputs = (BOUNDARY, DESTRUCTORS)

    def key(self, run: Run) -> list[object]:
        return [run.options.kit_build, run.options.permissive]

    def make(self, run: Run) -> Done:
        from ..base.kit import Kit
        from ..formats import fields
        from ..formats.boundary import Boundary
        from ..formats.build_graph import BuildGraph
        from ..formats.destructors import Destructors
        from . import rewriting

        kit = Kit(run.options.kit_build)
        kit.need(kit.rewriter)
        graph = fields.load(BuildGraph, run.path(GRAPH))
        rewriting.run(kit.rewriter, run.out, graph.source_root, run.options.permissive)
        boundary = fields.load(Boundary, run.path(BOUNDARY))
        fields.load(Destructors, run.path(DESTRUCTORS))
        gates = [
            run.path("callgates", name)
            for name in os.listdir(run.path("callgates"))
            if name.endswith(".S")
        ]
        rewritten = [run.path("rewritten", name) for name in boundary.rewritten]
        crossing = len(boundary.may_cross)
        return Done(
            f"{len(boundary.gates)} gates, {len(rewritten)} files rewritten,"
            f" {len(boundary.recompile)} units to recompile"
            + (f", {crossing} variables may cross (boundary.json)" if crossing else ""),
            read=[kit.rewriter, *graph.inputs],
            made=[*gates, *rewritten],
        )


class LinkStage(Stage):
    """Recompiles what was rewritten, links a file for each compartment, and moves the files into
    bin/ if they pass the audit."""

    name = "link"
    inputs = (GRAPH, PLAN, BOUNDARY)

    def key(self, run: Run) -> list[object]:
        options = run.options
        return [
            options.cc,
            options.ld,
            options.kit_build,
            options.cflag,
            options.ldflag,
            options.permissive,
            options.debug,
        ]

    def make(self, run: Run) -> Done:
        import shutil
        import tempfile

        from ..base.kit import Kit
        from ..formats import fields
        from ..formats.boundary import Boundary
        from ..formats.build_graph import BuildGraph
        from ..formats.plan import Plan
        from . import audit, further_needs, link, publishing, recompile

        options = run.options
        kit = Kit(options.kit_build, options.permissive)
        kit.need(kit.libia2, kit.compartment, *kit.options, kit.include, kit.gates, kit.layout)
        plan = fields.load(Plan, run.path(PLAN))
        graph = fields.load(BuildGraph, run.path(GRAPH))
        boundary = fields.load(Boundary, run.path(BOUNDARY))
        named = set(boundary.recompile)
        units = [unit for unit in plan.units if unit.id in named or not unit.pic]
        recompiler = recompile.Recompiler(
            run.out,
            plan,
            graph,
            kit.include,
            options.cc,
            run.stamps,
            options.cflag,
            options.debug,
        )
        made = recompiler.run(units, options.jobs)
        further_needs.check(run.path(FURTHER_NEEDS), plan, graph, made)
        target = tempfile.mkdtemp(prefix=".bin.", dir=run.out)
        os.rmdir(target)
        try:
            linker = link.Linker(
                run.out, target, plan, graph, boundary, kit, options.cc, options.ld, options.ldflag
            )
            linked = linker.link(made)
            # Only what passes the audit becomes bin/.
            accept(run, audit.Audit(target, plan, options.permissive).run(), target)
            publishing.replace(target, run.out, linked)
        finally:
            shutil.rmtree(target, ignore_errors=True)
        gates = [run.path("callgates", each.name + ".S") for each in plan.compartments]
        read = [*kit.files(), *(record.path for record in plan.objects), *gates]
        for unit in units:
            read += run.stamps.stages[f"unit {unit.id}"]["files"]
        return Done(
            f"{len(units)} units recompiled or kept, {len(plan.objects) - len(units)} objects as"
            f" built -> {run.path('bin')}",
            read=read,
            made=[*made.values(), *(run.path("bin", name) for name in linked.files())],
        )


class AuditStage(Stage):
    """Checks the files in bin/."""

    name = "audit"
    inputs = (PLAN,)
    outputs = (AUDIT,)

    def key(self, run: Run) -> list[object]:
        return [run.options.permissive]

    def make(self, run: Run) -> Done:
        from ..formats import fields
        from ..formats.plan import Plan
        from . import audit

        plan = fields.load(Plan, run.path(PLAN))
        result = audit.Audit(run.path("bin"), plan, run.options.permissive).run()
        accept(run, result, run.path("bin"))
        return Done(
            f"{len(result.checks)} checks passed",
            read=[run.path("bin", name) for name in result.files],
        )


def accept(run: Run, result: "AuditResult", folder: str) -> None:
    """Writes audit.json. Failure if a check failed."""
    from ..formats import fields
    from . import audit

    fields.save(result, run.path(AUDIT))
    failed: Failure | None = audit.failure(result, folder)
    if failed:
        raise failed


STAGES: tuple[Stage, ...] = (
    CaptureStage(),
    CanonicalizeStage(),
    PlanStage(),
    RewriteStage(),
    LinkStage(),
    AuditStage(),
)
NAMES = tuple(stage.name for stage in STAGES)
