"""Runs the stages in order, each only if something it read or made has changed."""

import fcntl
import json
import os
import shutil
import sys
import tempfile
import time

from . import atomic, layout, stamps
from .failure import Failure

STAGES = ("capture", "canonicalize", "plan", "rewrite", "link", "audit")

ENGINE = (
    "audit",
    "canonicalize",
    "capture",
    "cmake_makefiles",
    "destructors",
    "elf",
    "further_needs",
    "link",
    "link_line",
    "mapped_code",
    "ninja",
    "pad_tls",
    "pipeline",
    "plan",
    "plugin_file",
    "policy",
    "precompiled",
    "publishing",
    "recompile",
    "recorded_build",
    "rewriting",
    "shell_command",
    "symbols",
)


def locked(directory: str, spelled: str):
    """The open file whose lock says that a run uses `directory`. Failure if another run does."""
    lock = open(os.path.join(directory, ".lock"), "a", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Failure("another run uses this output directory", spelled, "wait for it") from None
    return lock


class Pipeline:
    """One OUT directory. `options` is what scripts/rewrite.py parsed."""

    def __init__(self, options):
        self.options = options
        layout.use(options.kit_build)
        self.out = os.path.realpath(options.out)
        project = os.path.realpath(options.project)
        if self.out == project:
            raise Failure(
                "the output directory is the project's build directory",
                options.out,
                "name another with --out",
            )
        if "," in self.out or "=" in self.out:
            raise Failure(
                (
                    "the output directory's name has a comma or an equals sign, at which compilers"
                    " split options"
                ),
                options.out,
                "name another with --out",
            )
        if os.path.exists(self.out) and not os.path.isdir(self.out):
            raise Failure("the output directory is a file", options.out, "name another with --out")
        os.makedirs(self.out, exist_ok=True)
        self.locks = [locked(self.out, options.out)]
        # What was seen of a recorded build is in one place, or it would be out of date in the
        # others.
        self.seen = os.path.realpath(options.recorded or options.out)
        if self.seen != self.out:
            from . import recorded_build

            if not os.path.exists(os.path.join(self.seen, recorded_build.STEPS_FILE)):
                raise Failure(
                    "no build was recorded there",
                    options.recorded,
                    "name the output directory of an earlier run with --capture",
                )
            self.locks.append(locked(self.seen, options.recorded))
        self.stamps = stamps.Stamps(self.path("stamps.json"))
        self.policy = None
        # The engine itself is an input of every stage.
        package = os.path.dirname(os.path.abspath(__file__))
        self.engine = [stamps.signature(os.path.join(package, name + ".py")) for name in ENGINE]

    def path(self, *names: str) -> str:
        return os.path.join(self.out, *names)

    def read(self, name: str):
        try:
            with open(self.path(name), encoding="utf-8") as stream:
                return json.load(stream)
        except (OSError, ValueError) as error:
            raise Failure(
                f"cannot be read: {error}", self.path(name), "run the earlier stages"
            ) from None

    def load_policy(self):
        from . import policy

        if self.policy is None:
            self.policy = policy.load(self.options.policy)
        return self.policy

    def run(self, last: str = STAGES[-1]) -> None:
        if self.options.capture is not None:
            from . import recorded_build

            recorded_build.record(self.options.capture, self.options.project, self.seen)
        self.run_stages(STAGES[: STAGES.index(last) + 1])
        if self.options.permissive and last == STAGES[-1]:
            # Whatever --quiet says: nobody shall take it for the other kind.
            print(
                f"warning: permissive: nothing is enforced in {self.path('bin')}",
                file=sys.stderr,
                flush=True,
            )
        if self.options.publish:
            from . import publishing

            publishing.publish(self.path("bin"), self.options.publish)
        if self.options.depfile:
            from . import publishing

            publishing.write_depfile(
                self.options.depfile, self.options.depfile_target, self.inputs()
            )

    def run_stages(self, stages: tuple[str, ...]) -> None:
        from . import further_needs

        for _ in range(further_needs.ROUNDS):
            try:
                for stage in stages:
                    self.run_stage(stage)
                return
            except further_needs.Found:
                self.say(
                    "link         code that was compiled again needs more names of other"
                    " compartments: planned again"
                )
                stages = stages[STAGES.index("plan") :]
        raise Failure(
            "code that was compiled again needs other names each time",
            self.path(further_needs.FILE),
            "report this: the boundary of the program does not settle",
        )

    def run_stage(self, stage: str) -> None:
        started = time.monotonic()
        key = [*self.engine, *self.key(stage)]
        if self.stamps.fresh(stage, key):
            self.say(f"{stage:<13}up to date")
            return
        self.stamps.forget(stage)
        summary, files = getattr(self, stage)()
        self.stamps.record(stage, key, files)
        self.say(f"{stage:<13}{summary}  ({time.monotonic() - started:.2f} s)")

    def say(self, text: str) -> None:
        if not self.options.quiet:
            print(text, flush=True)

    def inputs(self) -> list[str]:
        """Every file that any stage read and that is not this engine's own output."""
        from . import link_line

        found = {
            os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
            for name in ENGINE
        }
        for record in self.stamps.stages.values():
            found |= set(record["files"])
        return sorted(path for path in found if not link_line.inside(path, self.out))

    def key(self, stage: str) -> list:
        """The part of the request that `stage` depends on, beside files."""
        options = self.options
        if stage == "capture":
            return [
                os.path.realpath(options.project),
                options.capture is not None,
                self.seen,
                options.target,
                options.library,
                options.source_root,
                os.path.abspath(options.policy),
            ]
        if stage == "plan":
            return [os.path.abspath(options.policy), options.debug]
        if stage == "link":
            return [
                options.cc,
                options.ld,
                options.kit_build,
                options.cflag,
                options.ldflag,
                options.permissive,
                options.debug,
            ]
        if stage == "audit":
            return [options.permissive]
        return [options.kit_build, options.permissive] if stage == "rewrite" else []

    # The stages: each returns a summary and the files it read and made.
    # ----------------------------------------

    def capture(self):
        from . import capture, plan, symbols

        policy = self.load_policy()
        taken = capture.Capture(
            capture.find_build(self.options.project, self.seen, self.options.capture is not None)
        )
        root = (
            self.options.source_root
            or taken.build.source_root()
            or os.path.dirname(taken.build_dir)
        )
        owners = plan.Owners(policy, os.path.realpath(root), taken.build_dir)

        def is_main(objects: list[dict]) -> bool:
            return any(
                owners.key(record["source"]) == 1
                and os.path.exists(record["path"])
                and "main" in symbols.read(record["path"]).kinds
                for record in objects
            )

        program = capture.choose_program(taken, self.options.target, is_main)
        graph = capture.graph(taken, program, self.options.source_root, policy)
        capture.need_libraries(graph, self.options.library)
        atomic.write_json(self.path("compile_commands.json"), taken.commands)
        atomic.write_json(self.path("build-graph.json"), graph)
        objects = [record["path"] for record in graph["objects"]]
        files = [
            *taken.build.files,
            self.options.policy,
            *objects,
            *graph["inputs"],
            self.path("build-graph.json"),
            self.path("compile_commands.json"),
        ]
        return (
            (
                f"{os.path.relpath(program, taken.build_dir)}: {len(objects)} objects,"
                f" {len(taken.commands)} of them C"
            ),
            files,
        )

    def canonicalize(self):
        from . import canonicalize

        path = self.path("compile_commands.json")
        canonicalize.canonicalize_file(path)
        return f"{len(self.read('compile_commands.json'))} commands", [path]

    def plan(self):
        from . import further_needs, plan

        graph = self.read("build-graph.json")
        made = plan.make(
            self.load_policy(),
            graph,
            self.read("compile_commands.json"),
            further_needs.read(self.out),
            self.options.debug,
        )
        atomic.write_json(self.path("plan.json"), made)
        files = [
            self.options.policy,
            self.path("build-graph.json"),
            self.path("compile_commands.json"),
            self.path(further_needs.FILE),
            self.path("plan.json"),
        ]
        return (
            f"{len(made['compartments'])} compartments, {len(made['imports'])} names cross",
            files,
        )

    def rewrite(self):
        from . import link, rewriting

        kit = link.Kit(self.options.kit_build)
        kit.need(kit.rewriter)
        graph = self.read("build-graph.json")
        rewriting.run(kit.rewriter, self.out, graph["source_root"], self.options.permissive)
        boundary = link.read_boundary(self.out)
        gates = [
            self.path("callgates", name)
            for name in os.listdir(self.path("callgates"))
            if name.endswith(".S")
        ]
        rewritten = [self.path("rewritten", name) for name in boundary["rewritten"]]
        files = [
            kit.rewriter,
            self.path("plan.json"),
            self.path("compile_commands.json"),
            *graph["inputs"],
            self.path("boundary.json"),
            self.path("destructors.json"),
            *gates,
            *rewritten,
        ]
        notes = (
            f", {len(boundary['may_cross'])} variables may cross (boundary.json)"
            if boundary["may_cross"]
            else ""
        )
        return (
            (
                f"{len(boundary['gates'])} gates, {len(rewritten)} files rewritten,"
                f" {len(boundary['recompile'])} units to recompile{notes}"
            ),
            files,
        )

    def link(self):
        from . import audit, further_needs, link, recompile

        kit = link.Kit(self.options.kit_build, self.options.permissive)
        kit.need(kit.libia2, kit.compartment, *kit.options, kit.include, kit.gates, kit.layout)
        plan, graph, boundary = (
            self.read("plan.json"),
            self.read("build-graph.json"),
            link.read_boundary(self.out),
        )
        again = set(boundary["recompile"])
        units = [unit for unit in plan["units"] if unit["id"] in again or not unit["pic"]]
        recompiler = recompile.Recompiler(
            self.out,
            plan,
            graph,
            kit.include,
            self.options.cc,
            self.stamps,
            self.options.cflag,
            self.options.debug,
        )
        made = recompiler.run(units, self.options.jobs)
        further_needs.check(self.out, plan, graph, made)
        target = tempfile.mkdtemp(prefix=".bin.", dir=self.out)
        os.rmdir(target)
        try:
            names = link.Linker(
                self.out,
                target,
                plan,
                graph,
                boundary,
                kit,
                self.options.cc,
                self.options.ld,
                self.options.ldflag,
            ).link(made)
            # Only what passes the audit becomes bin/.
            self.judge(audit.Audit(target, plan, self.options.permissive).run(), target)
            link.publish(target, self.path("bin"), names)
        finally:
            shutil.rmtree(target, ignore_errors=True)
        files = [
            *kit.files(),
            *(self.path(name) for name in ("plan.json", "build-graph.json", "boundary.json")),
            *(self.path("bin", name) for name in names),
            *(record["path"] for record in plan["objects"]),
            *made.values(),
            *(
                self.path("callgates", compartment["name"] + ".S")
                for compartment in plan["compartments"]
            ),
        ]
        for unit in units:
            files += self.stamps.stages[f"unit {unit['id']}"]["files"]
        return (
            (
                f"{len(units)} units recompiled or kept,"
                f" {len(plan['objects']) - len(units)} objects as built -> {self.path('bin')}"
            ),
            files,
        )

    def audit(self):
        from . import audit

        result = audit.Audit(
            self.path("bin"), self.read("plan.json"), self.options.permissive
        ).run()
        self.judge(result, self.path("bin"))
        files = [
            self.path("plan.json"),
            self.path("audit.json"),
            *(self.path("bin", name) for name in result["files"]),
        ]
        return f"{len(result['checks'])} checks passed", files

    def judge(self, result: dict, folder: str) -> None:
        from . import audit

        atomic.write_json(self.path("audit.json"), result)
        failed = audit.failure(result, folder)
        if failed:
            raise failed
