"""Meson's module ia2: `import('ia2').compartmentalize(exe, policy: 'compartments.toml')`.

scripts/ia2-meson makes it importable; docs/meson.md has the arguments. While Meson configures, it
only checks them and reads in the policy which files there will be. The work is one step of the
build, with all that it reads in its depfile."""

from __future__ import annotations

import inspect
import os
import sys

from mesonbuild import build, coredata, programs
from mesonbuild.interpreter.interpreterobjects import CustomTargetHolder
from mesonbuild.interpreterbase import (
    ContainerTypeInfo,
    InvalidArguments,
    KwargInfo,
    typed_kwargs,
    typed_pos_args,
)
from mesonbuild.mesonlib import File, version_compare
from mesonbuild.modules import ExtensionModule, ModuleInfo, ModuleReturnValue

# What a feature option is has moved twice: coredata (1.0), options (1.6), interpreterbase (1.12).
try:
    from mesonbuild.interpreterbase.helpers import Feature
except ImportError:
    try:
        from mesonbuild.options import UserFeatureOption as Feature
    except ImportError:
        Feature = coredata.UserFeatureOption

KIT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(KIT, "kit"))
from ia2.policy import outputs as policy_outputs  # noqa: E402
from ia2.policy import policy as policy_file  # noqa: E402
from ia2.base.failure import Failure  # noqa: E402
from ia2.builds.link_line import SANITIZERS  # noqa: E402

FUNCTION = "ia2.compartmentalize"
LIBRARIES = (build.SharedLibrary, build.StaticLibrary, build.BothLibraries)


class Program(build.CustomTarget, programs.ExternalProgram):
    """The target for Meson before 1.4, whose test() takes programs but no custom targets: it is
    both."""

    def found(self) -> bool:
        return True

    def get_command(self) -> list[str]:
        return [self.absolute_path]

    def get_path(self) -> str:
        return self.absolute_path

    def __reduce__(self):
        # In Meson's own files it is a custom target, so that a Meson without this module can read
        # them.
        state = {name: value for name, value in self.__dict__.items() if name != "absolute_path"}
        return object.__new__, (build.CustomTarget,), state


class Ia2Module(ExtensionModule):
    INFO = ModuleInfo("ia2", "1.0.1")

    def __init__(self, interpreter) -> None:
        super().__init__(interpreter)
        interpreter.append_holder_map(Program, CustomTargetHolder)
        self.methods.update({"compartmentalize": self.compartmentalize})

    @typed_pos_args(FUNCTION, build.Executable)
    @typed_kwargs(
        FUNCTION,
        KwargInfo("policy", (str, File), required=True),
        KwargInfo("enabled", (bool, Feature), default=True),
        KwargInfo("libraries", ContainerTypeInfo(list, LIBRARIES), listify=True, default=[]),
        KwargInfo("compile_args", ContainerTypeInfo(list, str), listify=True, default=[]),
        KwargInfo("link_args", ContainerTypeInfo(list, str), listify=True, default=[]),
        KwargInfo("permissive", bool, default=False),
        KwargInfo("debug", bool, default=False),
        KwargInfo("build_by_default", bool, default=True),
        KwargInfo("install", bool, default=False),
        KwargInfo("install_dir", (str, type(None)), default=None),
        KwargInfo("install_tag", (str, type(None)), default=None),
    )
    def compartmentalize(self, state, args, kwargs):
        exe = args[0]
        enabled = kwargs["enabled"]
        if not (enabled if isinstance(enabled, bool) else not enabled.is_disabled()):
            return exe
        self.check(state, exe, kwargs)
        policy_path = self.policy_path(state, kwargs["policy"])
        policy = self.policy(policy_path)
        outputs = policy_outputs.outputs(policy, exe.get_filename(), kwargs["permissive"])
        kwargs["libraries"] = [*kwargs["libraries"], *self.plugins(policy)]
        self.interpreter.add_build_def_file(policy_path)
        target = self.target(state, exe, kwargs, policy_path, outputs)
        if kwargs["install"] and kwargs["install_dir"] is None:
            self.install_link(state, exe, kwargs)
        return ModuleReturnValue(target, [target])

    # What is checked.
    # ------------------------------------------------------------------------------

    def check(self, state, exe, kwargs) -> None:
        def refuse(argument: str, rule: str) -> InvalidArguments:
            return InvalidArguments(f'{FUNCTION}: argument "{argument}": {rule}')

        def option(name: str):
            try:
                return state.get_option(name)
            except (KeyError, coredata.MesonException):
                return None

        machine = state.environment.machines.host
        if machine.system != "linux" or machine.cpu_family != "x86_64":
            raise refuse(
                "exe",
                (
                    f"compartments need x86_64 Linux; '{exe.name}' is for"
                    f" {machine.cpu_family} {machine.system}"
                ),
            )
        if set(exe.compilers) - {"c", "nasm", "masm"}:
            others = ", ".join(sorted(set(exe.compilers) - {"c", "nasm", "masm"}))
            raise refuse(
                "exe", f"only programs in C can be compartmentalized; '{exe.name}' has {others}"
            )
        sanitizers = option("b_sanitize") or []
        words = sanitizers.split(",") if isinstance(sanitizers, str) else sanitizers
        if set(words) & SANITIZERS:
            raise refuse(
                "exe",
                (
                    f"b_sanitize={','.join(words)} replaces malloc or keeps a shadow of all memory;"
                    " configure without it"
                ),
            )
        if option("b_lto"):
            raise refuse(
                "exe", "b_lto=true leaves no machine code to keep; configure with b_lto=false"
            )
        if option("layout") != "mirror":
            raise refuse(
                "exe",
                (
                    "layout=flat would put two programs of one name in one folder; configure with"
                    " layout=mirror"
                ),
            )
        if (kwargs["install_dir"] is not None or kwargs["install_tag"] is not None) and not kwargs[
            "install"
        ]:
            raise refuse(
                "install_dir" if kwargs["install_dir"] is not None else "install_tag",
                "needs install: true",
            )
        if kwargs["permissive"] and kwargs["install"]:
            raise refuse(
                "permissive",
                (
                    "nothing is enforced in a permissive program, so it is not installed; leave out"
                    " install: true"
                ),
            )
        if kwargs["install_dir"] == "":
            raise refuse("install_dir", "must not be empty")
        for name in ("compile_args", "link_args"):
            for value in kwargs[name]:
                if not value.startswith("-"):
                    raise refuse(
                        name, f"'{value}' does not begin with '-'; give one option per string"
                    )

    def policy_path(self, state, given) -> str:
        if isinstance(given, File):
            path = given.absolute_path(
                state.environment.get_source_dir(), state.environment.get_build_dir()
            )
        else:
            path = os.path.join(state.environment.get_source_dir(), state.subdir, given)
        if not os.path.isfile(path):
            raise InvalidArguments(f'{FUNCTION}: argument "policy": there is no file {path}')
        return os.path.normpath(path)

    def policy(self, policy_path: str) -> policy_file.Policy:
        try:
            return policy_file.load(policy_path)
        except Failure as failure:
            raise InvalidArguments(
                f'{FUNCTION}: argument "policy": {str(failure).removeprefix("error: ")}'
            ) from None

    def plugins(self, policy: policy_file.Policy) -> list:
        """The targets of the policy's plugins, which exe does not depend on."""
        libraries = [
            target
            for target in self.interpreter.build.targets.values()
            if isinstance(target, build.SharedLibrary)
        ]
        by_path = {
            self.interpreter.backend.get_target_filename(library): library for library in libraries
        }
        for compartment in policy.compartments:
            if compartment.plugin and compartment.plugin not in by_path:
                where = policy.where(f"compartment.{compartment.name}.plugin")
                known = ", ".join(sorted(by_path)) or "none"
                raise InvalidArguments(
                    f'{FUNCTION}: argument "policy": {where}: no shared library that is defined'
                    f" before this call is '{compartment.plugin}' in the build directory; there"
                    f" are: {known}"
                )
        return [
            by_path[compartment.plugin] for compartment in policy.compartments if compartment.plugin
        ]

    # What is made.
    # -----------------------------------------------------------------------------------

    def target(self, state, exe, kwargs, policy_path: str, outputs: list[str]):
        # Nobody shall take the one for the other.
        suffix = ".ia2-permissive" if kwargs["permissive"] else ".ia2"
        backend, folder = self.interpreter.backend, exe.get_filename() + suffix
        libraries = [
            library.shared if isinstance(library, build.BothLibraries) else library
            for library in kwargs["libraries"]
        ]
        command = [
            os.path.join(KIT, "scripts", "rewrite.py"),
            "--quiet",
            "--policy",
            policy_path,
            "--out",
            "@PRIVATE_DIR@",
            "--target",
            os.path.join(backend.get_target_dir(exe), exe.get_filename()),
            "--publish",
            "@OUTDIR@",
            "--depfile",
            "@DEPFILE@",
            "--depfile-target",
            "@OUTPUT0@",
        ]
        if os.environ.get("IA2_BUILD"):
            command += ["--kit-build", os.path.abspath(os.environ["IA2_BUILD"])]
        command += [f"--cflag={argument}" for argument in kwargs["compile_args"]]
        command += [f"--ldflag={argument}" for argument in kwargs["link_args"]]
        command += [f"--library={backend.get_target_filename(library)}" for library in libraries]
        command += [f"--{kind}" for kind in ("permissive", "debug") if kwargs[kind]]
        # By name: their order is not the same in all versions.
        made_from = {
            "name": exe.name + suffix,
            "subdir": os.path.join(state.subdir, folder),
            "environment": state.environment,
            "command": [*command, "."],
            "sources": [],
            "outputs": outputs,
        }
        if "build_project" in inspect.signature(build.CustomTarget.__init__).parameters:
            made_from["build_project"] = state.current_build_project
        else:
            made_from["subproject"] = state.subproject
        install_dir = kwargs["install_dir"] or self.install_dir(state, exe)
        options = {
            **made_from,
            "build_by_default": kwargs["build_by_default"],
            "depfile": folder + ".d",
            "extra_depends": [exe, *libraries],
            "install": kwargs["install"],
            "install_dir": [install_dir] * len(outputs) if kwargs["install"] else [],
            "install_tag": (
                [kwargs["install_tag"] or "runtime"] * len(outputs) if kwargs["install"] else None
            ),
            "backend": backend,
        }
        if version_compare(coredata.version, ">=1.4"):
            return build.CustomTarget(**options)
        made = Program(**options)
        made.absolute_path = os.path.join(
            state.environment.get_build_dir(), backend.get_target_dir(made), outputs[0]
        )
        return made

    def install_dir(self, state, exe) -> str:
        return os.path.join(state.get_option("libdir"), exe.get_filename() + ".ia2")

    def install_link(self, state, exe, kwargs) -> None:
        """bin/NAME leads to the program, which stays beside its libraries; bin/NAME.ia2 if NAME
        itself is installed."""
        prefix, name = state.get_option("prefix"), exe.get_filename()
        bindir = os.path.join(prefix, state.get_option("bindir"))
        program = os.path.join(prefix, self.install_dir(state, exe), name)
        link = name + ".ia2" if exe.should_install() else name
        self.interpreter.build.symlinks.append(
            build.SymlinkData(
                os.path.relpath(program, bindir),
                link,
                state.get_option("bindir"),
                state.subproject,
                kwargs["install_tag"] or "runtime",
            )
        )


def initialize(interpreter) -> Ia2Module:
    return Ia2Module(interpreter)
