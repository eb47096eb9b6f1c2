"""A kit whose gates are mere jumps. With it the engine is tested apart from the runtime and the
rewriter."""

import json
import os
import pathlib
import shutil
import subprocess

COMPARTMENT = """\
__attribute__((aligned(4096), tls_model("global-dynamic"))) _Thread_local char ia2_tls_zero[8];
__attribute__((aligned(4096))) _Thread_local char ia2_tls_data[8] = {1};
int ia2_runtime(void);
__attribute__((constructor)) static void start(void) { ia2_tls_zero[0] = (char)ia2_runtime() + ia2_tls_data[0]; }
"""  # noqa: E501

REWRITER = r"""#!/usr/bin/python3
import json, os, sys
args = dict(zip(sys.argv[1::2], sys.argv[2::2]))
plan = json.load(open(args["--policy"]))
out = args["--output-prefix"]
graph = json.load(open(out + "build-graph.json"))
if os.environ.get("STAND_IN_REFUSES"):
    sys.exit("%s:3:5: error: x: reason\n  remedy: y" % plan["units"][0]["file"])
for path in graph["inputs"]:
    for root, at in ((plan["source_root"], ""), (plan["build_dir"], ".build/")):
        if path.startswith(root + "/"):
            link = os.path.join(args["--output-directory"], at + os.path.relpath(path, root))
            os.makedirs(os.path.dirname(link), exist_ok=True)
            if not os.path.lexists(link):
                os.symlink(path, link)
            break
rewritten = []
for unit in plan["units"]:
    relative = os.path.relpath(unit["file"], plan["source_root"])
    link = os.path.join(args["--output-directory"], relative)
    text = open(unit["file"]).read()
    os.unlink(link)
    open(link, "w").write("#include <ia2.h>\n#line 1\n" + text)
    rewritten.append(relative)
numbers = dict.fromkeys(("line", "type", "args_int", "args_sse", "ret_int", "ret_sse", "stack_words", "sret_bytes"), 0)
gates = [dict(symbol="__wrap_" + i["symbol"], function=i["symbol"], target=i["symbol"], owner=i["owner"], callers=i["callers"], export=True,
              file="", signature="", abi="", **numbers)
         for i in plan["imports"] if i["kind"] == "function"]
os.makedirs(out + "callgates", exist_ok=True)
for c in plan["compartments"]:
    text = "\t.section .note.GNU-stack,\"\",@progbits\n\t.text\n"
    for g in gates:
        if g["owner"] == c["pkey"]:
            text += "\t.globl {0}\n\t.type {0},@function\n{0}:\tjmp {1}@PLT\n\t.size {0},.-{0}\n".format(g["symbol"], g["target"])
    if c["pkey"] == 1:
        text += "\t.globl __wrap_main\n\t.hidden __wrap_main\n__wrap_main:\tjmp __real_main@PLT\n"
    open(out + "callgates/%s.S" % c["name"], "w").write(text)
recompile = [u["id"] for u in plan["units"]]
json.dump(dict(version=1, gates=gates, escaping_types=[], shared_locals=[], may_cross=[], recompile=recompile, rewritten=rewritten,
               files=rewritten), open(out + "boundary.json", "w"))
json.dump(dict(version=1, destructors=[]), open(out + "destructors.json", "w"))
"""  # noqa: E501


def make(root: pathlib.Path) -> pathlib.Path:
    """Builds the stand-in under `root`, laid out as the kit: root/runtime/include, root/build/...
    Returns root."""
    for name in ("runtime/include", "runtime/gates", "build/runtime/layout", "build/kit/rewriter"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "build/meson-info").mkdir(exist_ok=True)
    (root / "build/meson-info/meson-info.json").write_text(
        json.dumps({"directories": {"source": str(root)}})
    )
    shutil.copy2(
        pathlib.Path(os.environ["IA2_BUILD"]) / "runtime/layout/ia2_layout.h",
        root / "build/runtime/layout",
    )
    (root / "runtime/include/ia2.h").write_text("#define STAND_IN 1\n")
    (root / "runtime/ia2_compartment.ldflags").write_text(
        "-Wl,-u,ia2_tls_data\n-Wl,--wrap=stand_in_never_called\n"
    )
    rewriter = root / "build/kit/rewriter/ia2-rewriter"
    rewriter.write_text(REWRITER)
    rewriter.chmod(0o755)

    def run(*command):
        subprocess.run(command, cwd=root / "build/runtime", check=True)

    (root / "runtime/runtime.c").write_text("int ia2_runtime(void) { return 1; }\n")
    (root / "runtime/compartment.c").write_text(COMPARTMENT)
    run(
        "gcc",
        "-shared",
        "-fPIC",
        "-Wl,-soname,libia2.so",
        "-Wl,-z,now",
        "-o",
        "libia2.so",
        root / "runtime/runtime.c",
    )
    run(
        "gcc",
        "-c",
        "-fPIC",
        "-fvisibility=hidden",
        "-o",
        "compartment.o",
        root / "runtime/compartment.c",
    )
    run("ar", "csr", "libia2_compartment.a", "compartment.o")
    return root
