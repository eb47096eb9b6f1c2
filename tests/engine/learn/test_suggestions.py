"""learn: the lines for each kind of violation, to the letter, from logs that need no run; and what
it refuses."""

import json
import os
import pathlib
import subprocess
import tempfile
import tomllib
import unittest

SOURCE = pathlib.Path(os.environ["IA2_SOURCE"])
RUN = {
    "kind": "run",
    "version": 1,
    "note": "permissive: nothing is enforced",
    "pkeys": True,
    "program": "/nowhere/prog",
    "compartments": ["tool", "codec", "sink"],
}
KEYS = {"key 0": 0, "tool": 1, "codec": 2, "sink": 3}
HEAD = "# Of one permissive run, in which nothing was enforced: {} violations.\n"


def code(function):
    return {"object": "/nowhere/prog", "offset": "0x1234", "function": function}


def violation(accessor, owner, memory, access="read", kind="access", at="go", count=1, **more):
    return {
        "kind": kind,
        "access": access,
        "accessor": accessor,
        "accessor_key": KEYS[accessor],
        "owner": owner,
        "owner_key": KEYS.get(owner, -1),
        "at": code(at) if at else {"object": "/nowhere/prog", "offset": "0x1"},
        "caller": None,
        "memory": memory,
        "count": count,
        **more,
    }


def heap(*functions):
    return {"kind": "heap", "size": 10, "at": 0, "frames": [code(name) for name in functions]}


def variable(name):
    return {"kind": "global", "name": name, "size": 4, "at": 0, "object": "/nowhere/prog"}


class Learn(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def learn(self, *arguments):
        return subprocess.run(
            [SOURCE / "scripts/learn", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=self.folder,
            check=False,
        )

    def log(self, *lines, name="log.json", run=RUN):
        (self.folder / name).write_text("".join(json.dumps(line) + "\n" for line in (run, *lines)))
        return name

    def says(self, violations, text, status=0):
        done = self.learn(self.log(*violations))
        self.assertEqual(
            (done.stdout, done.stderr, done.returncode),
            (HEAD.format(sum(line["count"] for line in violations)) + text, "", status),
        )

    def test_run_that_was_cut_short(self):
        for ended, reason, status in (
            ("exit", "", 0),
            ("died", "died, as the program said at its end", 3),
            (None, "was killed, or went on as another program (exec)", 3),
        ):
            done = self.learn(self.log(run={**RUN, "ended": ended}))
            self.assertEqual((done.stdout, done.returncode), (HEAD.format(0), status))
            self.assertEqual(
                done.stderr,
                reason
                and f"warning: log.json: the run {reason}, after 0 different violations: what it"
                " did not reach is not in the log\n",
            )

    def test_clean_run(self):
        self.says([], "")

    def test_variable(self):
        self.says(
            [
                violation("codec", "tool", variable("verbosity"), "write", count=3),
                violation("codec", "tool", variable("level.0")),
            ],
            """
[shared]
variables = ["level", "verbosity"]

# Why:
# [shared] variables = ["level"]
#   codec reads 'level' of tool in go, once
# [shared] variables = ["verbosity"]
#   codec writes 'verbosity' of tool in go, 3 times
""",
        )

    def test_allocation(self):
        self.says(
            [
                violation(
                    "codec",
                    "tool",
                    heap("__wrap_malloc", "new_packet", "main"),
                    "write",
                    "kernel",
                    function="read",
                )
            ],
            """
[allocations]
new_packet = "shared"

# Why:
# [allocations] new_packet = "shared"
#   codec writes what new_packet allocates of tool in go, by read(), once
""",
        )

    def test_allocation_through_a_wrapper_is_its_callers(self):
        self.says(
            [violation("codec", "tool", heap("__wrap_malloc", "xmalloc", "new_packet", "main"))],
            """
[allocations]
new_packet = "shared"

# Why:
# [allocations] new_packet = "shared"
#   codec reads what new_packet, through xmalloc allocates of tool in go, once
""",
        )

    def test_wrappers_that_compute_the_size(self):
        for name in (
            "safe_realloc_nofree_mul_2op_",
            "g_malloc0_n",
            "safe_malloc_muladd2_",
            "xcalloc_array",
            "png_malloc_base",
        ):
            self.says(
                [violation("codec", "tool", heap("__wrap_realloc", name, "new_packet", "main"))],
                f"""
[allocations]
new_packet = "shared"

# Why:
# [allocations] new_packet = "shared"
#   codec reads what new_packet, through {name} allocates of tool in go, once
""",
            )

    def test_main_allocates_other_things_too(self):
        """All of the program runs during main, so that is never the function; the variable is
        looked for in the source."""
        self.says(
            [violation("codec", "tool", heap("__wrap_malloc", "main"), "write")],
            """
# BY HAND: codec writes what main allocates of tool in go: no line allows it; name the variable to which main assigns it: \
'main.VARIABLE' in [allocations] (for its name, build with --permissive --debug, and run again), once
""",  # noqa: E501
            3,
        )

    def test_program_that_only_reads_gets_a_grant(self):
        self.says(
            [
                violation("tool", "codec", variable("state")),
                violation("tool", "codec", heap("__wrap_malloc", "new_frame")),
                violation("tool", "codec", {"kind": "stack", "frames": [code("decode")]}),
            ],
            """
[compartment.tool]
reads = ["codec"]

# Why:
# [compartment.tool] reads = ["codec"]
#   tool reads 'state' of codec in go, once
#   tool reads what new_frame allocates of codec in go, once
#   tool reads a local variable of decode of codec in go, once
""",
        )

    def test_no_grant_if_it_writes_too(self):
        self.says(
            [
                violation("tool", "codec", variable("state")),
                violation("tool", "codec", variable("mode"), "write"),
            ],
            """
[shared]
variables = ["mode", "state"]

# Why:
# [shared] variables = ["mode"]
#   tool writes 'mode' of codec in go, once
# [shared] variables = ["state"]
#   tool reads 'state' of codec in go, once
""",
        )

    def test_library_gets_a_grant_only_for_what_cannot_be_shared(self):
        self.says(
            [
                violation("codec", "tool", {"kind": "stack", "frames": [code("main")]}),
                violation("codec", "tool", variable("level")),
            ],
            """
[compartment.codec]
reads = ["tool"]

# Why:
# [compartment.codec] reads = ["tool"]
#   codec reads a local variable of main of tool in go (opens all memory of tool to it, for reading; less is a copy by [parameters], \
or a block instead), once
#   codec reads 'level' of tool in go, once
""",  # noqa: E501
        )

    def test_read_that_another_line_allows_needs_none(self):
        """'state' is to be shared anyway, and new_frame's blocks are, so there is no grant; 'mode'
        needs one."""
        violations = [
            violation("sink", "codec", variable("state"), "write"),
            violation("sink", "codec", heap("__wrap_malloc", "new_frame")),
            violation("tool", "codec", variable("state")),
            violation("tool", "codec", heap("__wrap_malloc", "new_frame")),
        ]
        text = """
[allocations]
new_frame = "shared"
{lines}
[shared]
variables = ["state"]

# Why:
# [allocations] new_frame = "shared"
#   sink reads what new_frame allocates of codec in go, once
#   tool reads what new_frame allocates of codec in go, once
{reasons}# [shared] variables = ["state"]
#   sink writes 'state' of codec in go, once
#   tool reads 'state' of codec in go, once
"""
        self.says(violations, text.format(lines="", reasons=""))
        self.says(
            [*violations, violation("tool", "codec", variable("mode"))],
            text.format(
                lines='\n[compartment.tool]\nreads = ["codec"]\n',
                reasons='# [compartment.tool] reads = ["codec"]\n'
                "#   tool reads 'mode' of codec in go, once\n",
            ),
        )

    def test_block_of_unknown_origin_opens_nothing(self):
        """Not all memory of the program for one block."""
        nameless = {"object": "/nowhere/prog", "offset": "0x77"}
        self.says(
            [
                violation("codec", "tool", heap()),
                violation("codec", "tool", {**heap(), "frames": [code("__wrap_malloc"), nameless]}),
            ],
            """
# BY HAND: codec reads a block that was allocated at an unknown place of tool in go: no line allows it; \
name the function that allocates it in [allocations], once
# BY HAND: codec reads what prog+0x77 allocates of tool in go: no line allows it; \
the function has no name: build with --permissive --debug, and run again, once
""",  # noqa: E501
            3,
        )

    def test_code_without_a_name_is_named_by_its_offset(self):
        self.says(
            [
                violation(
                    "codec",
                    "tool",
                    variable("a"),
                    caller={"object": "/nowhere/lib.ia2.so", "offset": "0x99"},
                    at=None,
                )
            ],
            """
[shared]
variables = ["a"]

# Why:
# [shared] variables = ["a"]
#   codec reads 'a' of tool in lib.ia2.so+0x99, in prog, once
""",
        )

    MAIN = """\
#include <stdlib.h>
struct item { char *name, **parts; } item, *items = &item;
static char *Buffer[3], *grid[2][2], *pair, *next;
static char **out = &next;
static char *make(int n) { return malloc(n); }
int main(int argc, char **argv) {
    char *plain = malloc(1);
    char *cast =
        (char *)malloc(
            argc);
    Buffer[argc % 3] = malloc(2);
    grid[argc % 2][0] = (char *)malloc(3);
    items->name = malloc(4);
    items->parts[argc] = malloc(5);
    *out = malloc(6);
    if (argc > 5 && (pair = malloc(7)))
        argc--;
    make(argc); next = malloc(8);
    free(malloc(9)); /* is assigned to nothing */
    return plain == cast;
}
"""
    ASSIGNED = "plain cast Buffer[] grid[] name parts[] out[] pair next".split()

    def calls_of_malloc(self, *options):
        (self.folder / "main.c").write_text(self.MAIN)
        program = self.folder / "prog"
        command = ["gcc", "-O0", "-fno-builtin", *options, "-o", program, "main.c"]
        subprocess.run(command, cwd=self.folder, check=True)
        listing = subprocess.run(
            ["objdump", "-d", "--no-show-raw-insn", program], capture_output=True, text=True
        ).stdout
        main = listing.partition("<main>:\n")[2].partition("\n\n")[0].splitlines()
        after = [main[i + 1] for i, line in enumerate(main) if "<malloc@plt>" in line]
        self.assertEqual(len(after), 10)
        for line in after:
            yield {
                "object": str(program),
                "offset": "0x" + line.split(":")[0].strip(),
                "function": "main",
            }

    def test_variables_of_main(self):
        """What the statement assigns the block to; an element has a name of its own."""
        found = []
        for frame in self.calls_of_malloc("-g"):
            memory = {**heap(), "frames": [code("__wrap_malloc"), frame]}
            done = self.learn("--json", self.log(violation("codec", "tool", memory)))
            (line,) = json.loads(done.stdout)
            found.append((line["key"] or "main.none").removeprefix("main."))
        self.assertEqual(found, [*self.ASSIGNED, "none"])

    def test_main_without_debug_information(self):
        """The frame is known, so it is named, and how to learn more."""
        frame = next(self.calls_of_malloc("-g0"))
        memory = {**heap(), "frames": [code("__wrap_malloc"), frame]}
        self.says(
            [violation("codec", "tool", memory)],
            """
# BY HAND: codec reads what main allocates of tool in go: no line allows it; name the variable to which main assigns it: \
'main.VARIABLE' in [allocations] (for its name, build with --permissive --debug, and run again), once
""",  # noqa: E501
            3,
        )

    def allocated(self, owner, size, *functions):
        frames = [code(name) for name in ("__wrap_malloc", *functions)]
        return {
            "kind": "allocated",
            "owner": owner,
            "owner_key": KEYS[owner],
            "blocks": size // 10,
            "bytes": size,
            "frames": frames,
        }

    def says_with(self, allocated, violations, text):
        done = self.learn(self.log(*violations, *allocated, run={**RUN, "compartments": "tc"}))
        self.assertEqual(
            (done.stdout, done.stderr, done.returncode),
            (HEAD.format(len(violations)) + text, "", 0),
        )

    def test_caller_of_a_function_that_allocates_for_all(self):
        """If it opens less than half."""
        violations = [
            violation("codec", "tool", heap("__wrap_malloc", "make", "parse", "main"), "write")
        ]
        self.says_with(
            [
                self.allocated("tool", 5000, "make", "other", "main"),
                self.allocated("tool", 70, "make", "parse", "main"),
                self.allocated("codec", 90000, "open", "main"),
            ],
            violations,
            """
[allocations]
parse = "shared"

# Why:
# [allocations] parse = "shared": 7 blocks, 70 bytes, 1 place, for all to read and write
#   codec writes what make allocates of tool in go, called by parse, once
""",
        )
        self.says_with(
            [
                self.allocated("tool", 50, "make", "other", "main"),
                self.allocated("tool", 70, "make", "parse", "main"),
            ],
            violations,
            """
[allocations]
make = "shared"

# Why:
# [allocations] make = "shared": 12 blocks, 120 bytes, 2 places, for all to read and write
#   codec writes what make allocates of tool in go, once
""",
        )
        self.says_with(
            [
                self.allocated("tool", 5000, "make", "other", "main"),
                self.allocated("tool", 70, "make", "main"),
            ],
            [violation("codec", "tool", heap("__wrap_malloc", "make", "main"), "write")],
            """
[allocations]
make = "shared"

# Why:
# [allocations] make = "shared": 507 blocks, 5070 bytes, 2 places, for all to read and write
#   codec writes what make allocates of tool in go, once
""",
        )

    def test_grant_that_opens_less_than_what_would_be_shared(self):
        """The library reads nearly all blocks of the program and writes few."""
        violations = [
            violation("codec", "tool", heap("__wrap_malloc", "make", "main")),
            violation("codec", "tool", heap("__wrap_malloc", "fill", "main"), "write"),
            violation("codec", "tool", heap("__wrap_malloc", "fill", "main")),
        ]
        self.says_with(
            [
                *(self.allocated("tool", 100, "make", f"new{i}", "main") for i in range(9)),
                self.allocated("tool", 30, "fill", "main"),
            ],
            violations,
            """
[allocations]
fill = "shared"

[compartment.codec]
reads = ["tool"]

# Why:
# [allocations] fill = "shared": 3 blocks, 30 bytes, 1 place, for all to read and write
#   codec writes what fill allocates of tool in go, once
#   codec reads what fill allocates of tool in go, once
# [compartment.codec] reads = ["tool"]: 93 blocks, 930 bytes, 10 places, and all variables, to read
#   codec reads what make allocates of tool in go, once
""",  # noqa: E501
        )
        self.says_with(
            [
                *(self.allocated("tool", 30, "make", f"new{i}", "main") for i in range(9)),
                self.allocated("tool", 1000, "secret", "main"),
                self.allocated("tool", 30, "fill", "main"),
            ],
            violations,
            """
[allocations]
fill = "shared"
make = "shared"

# Why:
# [allocations] fill = "shared": 3 blocks, 30 bytes, 1 place, for all to read and write
#   codec writes what fill allocates of tool in go, once
#   codec reads what fill allocates of tool in go, once
# [allocations] make = "shared": 27 blocks, 270 bytes, 9 places, for all to read and write
#   codec reads what make allocates of tool in go, once
""",
        )
        self.says_with(
            [
                self.allocated("tool", 900, "make", "main"),
                self.allocated("tool", 30, "fill", "main"),
            ],
            violations,
            """
[allocations]
fill = "shared"
make = "shared"

# Why:
# [allocations] fill = "shared": 3 blocks, 30 bytes, 1 place, for all to read and write
#   codec writes what fill allocates of tool in go, once
#   codec reads what fill allocates of tool in go, once
# [allocations] make = "shared": 90 blocks, 900 bytes, 1 place, for all to read and write
#   codec reads what make allocates of tool in go, once
""",
        )

    def test_what_no_line_allows(self):
        self.says(
            [
                violation("codec", "tool", {"kind": "stack", "frames": [code("main")]}, "write"),
                violation("codec", "tool", {"kind": "thread-local"}, "write"),
                violation("codec", "tool", {"kind": "code"}, kind="call"),
            ],
            """
# BY HAND: codec writes a local variable of main of tool in go: no line allows it; let it be a parameter by copy ([parameters]), or allocate it, once

# BY HAND: codec writes a thread-local variable of tool in go: no line allows it; share memory that a pointer in it points to, once

# BY HAND: codec calls a pointer that is no call gate in go: no line allows it; the function's address was taken where the rewriter \
does not see it (assembly, a table in prebuilt code, a pointer that was copied as bytes), once
""".replace(  # noqa: E501
                "allocate it, once\n\n# BY", "allocate it, once\n# BY"
            ).replace(
                "points to, once\n\n# BY", "points to, once\n# BY"
            ),
            3,
        )

    def test_block_of_another_heap(self):
        self.says(
            [
                violation(
                    "tool",
                    "codec",
                    heap("__wrap_malloc", "name_of"),
                    "write",
                    "block",
                    function="free",
                )
            ],
            """
[allocations]
name_of = "shared"

# Why:
# [allocations] name_of = "shared"
#   tool calls free for what name_of allocates, in the heap of codec, in go, once
""",
        )

    def test_several_logs(self):
        one, other = self.log(violation("codec", "tool", variable("a"), count=2)), self.log(
            violation("codec", "tool", variable("a"), count=3),
            violation("sink", "tool", variable("b")),
            name="other.json",
        )
        done = self.learn(one, other)
        self.assertEqual(
            done.stdout,
            """\
# Of 2 permissive runs, in which nothing was enforced: 6 violations.

[shared]
variables = ["a", "b"]

# Why:
# [shared] variables = ["a"]
#   codec reads 'a' of tool in go, 5 times
# [shared] variables = ["b"]
#   sink reads 'b' of tool in go, once
""",
        )

    def test_output_can_be_pasted(self):
        """All lines stand together, and the rest is comments."""
        done = self.learn(
            self.log(
                violation("codec", "tool", variable("a")),
                violation("codec", "tool", heap("__wrap_malloc", "new_packet"), "write"),
                violation("codec", "tool", {"kind": "thread-local"}, "write"),
            )
        )
        self.assertEqual(
            tomllib.loads(done.stdout),
            {"shared": {"variables": ["a"]}, "allocations": {"new_packet": "shared"}},
        )
        plain = [bool(line) and line[0] != "#" for line in done.stdout.splitlines()]
        first, last = plain.index(True), len(plain) - plain[::-1].index(True)
        self.assertFalse(
            [line for line in done.stdout.splitlines()[first:last] if line.startswith("#")]
        )

    def test_pages_that_were_opened(self):
        self.says(
            [
                violation("codec", "tool", variable("a"), count=5000, opened=True),
                violation("codec", "tool", variable("b"), count=2, opened=False),
            ],
            """
[shared]
variables = ["a", "b"]

# Why:
# [shared] variables = ["a"]
#   codec reads 'a' of tool in go, at least 5000 times
# [shared] variables = ["b"]
#   codec reads 'b' of tool in go, 2 times

# 1 place had so many violations that the pages were opened, so other accesses there
# are missing. Add the lines, build with --permissive, and run again.
""",
        )

    def test_many_reasons_are_folded(self):
        """The most frequent ones are shown."""
        self.says(
            [violation("codec", "tool", variable("a"), at=f"go{i}", count=i + 1) for i in range(6)],
            """
[shared]
variables = ["a"]

# Why:
# [shared] variables = ["a"]
#   codec reads 'a' of tool in go5, 6 times
#   codec reads 'a' of tool in go4, 5 times
#   codec reads 'a' of tool in go3, 4 times
#   codec reads 'a' of tool in go2, 3 times
#   and 2 more, which --json prints
""",
        )
        done = self.learn("--json", "log.json")
        self.assertEqual(len(json.loads(done.stdout)[0]["reasons"]), 6)

    def test_json(self):
        done = self.learn("--json", self.log(violation("codec", "tool", variable("a"))))
        self.assertEqual(
            json.loads(done.stdout),
            [
                {
                    "table": "shared",
                    "key": "variables",
                    "value": ["a"],
                    "opens": None,
                    "reasons": ["codec reads 'a' of tool in go, once"],
                }
            ],
        )

    # The policy.
    # -----------------------------------------------------------------------------------

    POLICY = """\
# Who is who.
[compartment.tool]   # the program
pkey = 1
sources = [
    "tool/**",       # all of it
]

[compartment.codec]
pkey = 2
sources = ["src/**"]

[shared]
variables = [
    "old",
]
"""

    def test_policy_gets_the_lines_and_keeps_the_rest(self):
        (self.folder / "policy.toml").write_text(self.POLICY)
        log = self.log(
            violation("codec", "tool", variable("new")),
            violation("codec", "tool", heap("__wrap_malloc", "new_packet")),
            violation("tool", "codec", variable("state")),
        )
        done = self.learn("--policy", "policy.toml", "--write", "policy.toml", log)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(
            (self.folder / "policy.toml").read_text(),
            self.POLICY.replace(
                '    "tool/**",       # all of it\n]\n',
                """\
    "tool/**",       # all of it
]
reads = ["codec"]
""",
            ).replace('variables = [\n    "old",\n]\n', 'variables = ["old", "new"]\n')
            + '\n[allocations]\nnew_packet = "shared"\n',
        )

    def test_policy_that_cannot_be_edited(self):
        (self.folder / "policy.toml").write_text(
            self.POLICY.split("[shared]")[0] + "[shared] # {\n" + "'variables' = ['old']\n"
        )
        done = self.learn(
            "--policy",
            "policy.toml",
            "--write",
            "new.toml",
            self.log(violation("codec", "tool", variable("new"))),
        )
        self.assertEqual(
            (done.returncode, done.stderr),
            (
                1,
                (
                    "error: policy.toml: is written in a way that cannot be edited here (add the"
                    " lines by hand)\n"
                ),
            ),
        )
        self.assertFalse((self.folder / "new.toml").exists())

    # Refused.
    # --------------------------------------------------------------------------------------

    def refused(self, message, *arguments, status=1):
        done = self.learn(*arguments)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done)
        self.assertIn(message, done.stderr)

    def test_run_without_keys(self):
        self.refused(
            (
                "error: log.json: is of a run on a CPU without protection keys, where no violation"
                " is seen (run the program in the PKU VM"
            ),
            self.log(run={**RUN, "pkeys": False}),
        )

    def test_what_is_no_log(self):
        (self.folder / "x").write_text("{}\n")
        (self.folder / "y").write_text("hello\n")
        (self.folder / "z").write_text("")
        for name in "xyz":
            self.refused(f"error: {name}: is not a log of violations", name)
        self.refused(
            "error: log.json: is not a log of violations: a line of kind 'run'", self.log(RUN)
        )
        self.refused("error: nothing: cannot be read: No such file or directory", "nothing")

    def test_policy_without_write(self):
        self.refused("--policy and --write go together", "--policy", "x", self.log(), status=2)


if __name__ == "__main__":
    unittest.main()
