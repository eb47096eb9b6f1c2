"""The public headers in each C standard, with the warnings that projects turn into errors; from C++
they are refused in words."""

import os
import pathlib
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ.get("IA2_SOURCE") or pathlib.Path(__file__).resolve().parents[2])
INCLUDE = SOURCE / "runtime/include"
STANDARDS = ("c89", "gnu89", "c99", "c11", "c17", "c2x", "gnu2x")
# What a project's own command may have. A recompiled unit gets neither -Werror nor
# -pedantic-errors.
STRICT = (
    ["-pedantic-errors"],
    ["-Wall", "-Wextra", "-Werror"],
    ["-Wall", "-Wextra", "-Wpedantic", "-Wstrict-prototypes", "-Werror"],
)
RECOMPILED = ([], ["-Wall", "-Wextra", "-Werror"], ["-pedantic"])

# A project that carries IA2's macros, as it is built itself.
PLAIN = """\
#include <ia2.h>
INIT_RUNTIME(2);
typedef int (*unary)(int);
static int twice(int x) { return 2 * x; }
static void on_signal(int number) { (void)number; }
IA2_DEFINE_WRAPPER(twice);
IA2_DEFINE_SIGHANDLER(on_signal, 1);
int counter IA2_SHARED_DATA = 1;
IA2_BEGIN_NO_WRAP
int unwrapped(int x);
IA2_END_NO_WRAP
IA2_PRE_CONDITION_FOR(twice) void before(int x);
void (*handler(void))(int) { return IA2_SIGHANDLER(on_signal); }
int use(unary given);
int use(unary given)
{
    unary own = IA2_FN(twice);
    void *block = shared_malloc(3);
    shared_free(block);
    ASSERT_PKRU(PKRU(1));
    return IA2_CALL(own, 1)(counter) + IA2_CALL(given, 1, 2) + ia2_get_compartment() +
           (IA2_ADDR(own) != 0);
}
"""
# What the rewriter makes.
SPLIT = """\
#include <ia2.h>
IA2_DECLARE_GATE(lib_twice);
IA2_DECLARE_GATE_STATIC(twice);
struct pair { int a, b; };
typedef int (*unary)(int);
int lib_twice(int x);
int lib_take(unary own, struct pair *pair, int *other);
static int twice(int x) { return 2 * x; }
int shared IA2_SHARED_DATA = 1;
static void gone(int *x) { (void)x; }
void *allocate(unsigned long size);
void *make(void);
void *make(void) { IA2_ALLOCATE_IN(0); return allocate(2); }
void *make_one(void);
void *make_one(void) { void *block = IA2_ALLOCATED_IN(0, allocate(3)); return block; }
int use(unary given);
int use(unary given)
{
    struct pair *const pair IA2_SHARED_LOCAL(pair);
    int *const number IA2_SHARED_LOCAL_INIT(number, 3); IA2_SHARED_CLEANUP(number, gone);
    unary own = IA2_FN_STATIC(twice);
    (*pair).a = (*pair).b = 0;
    if (lib_take(IA2_FN(lib_twice), &*pair, &*number))
        return 1;
    return IA2_CALL(own, 0x1234u)((*pair).a) + IA2_CALL(given, 0x1234u)(*number) + shared;
}
IA2_STATIC_TARGET(twice);
"""
DESTRUCTORS = (
    "#include <ia2_destructors.h>\nint kind(void);\nint kind(void) { return IA2_EXIT_KEY; }\n"
)


OTHERS = """\
#include <ia2_memory_maps.h>
#include <ia2_allocator.h>
void use(const char *text);
void use(const char *text)
{
    char *copy = shared_strdup(text);
    ia2_log_memory_maps(stderr);
    shared_free(copy);
}
"""


class Headers(unittest.TestCase):
    def compile(self, compiler, text, *flags):
        return subprocess.run(
            [compiler, "-c", "-fPIC", "-o", os.devnull, *flags, "-"],
            input=text,
            text=True,
            capture_output=True,
            check=False,
        )

    def works(self, text, strictness, *flags):
        for compiler in ("gcc", "clang"):
            for standard in STANDARDS:
                for strict in strictness:
                    for include in ("-I", "-idirafter"):
                        with self.subTest(f"{compiler} -std={standard} {strict} {include}"):
                            done = self.compile(
                                compiler,
                                text,
                                "-xc",
                                f"-std={standard}",
                                *strict,
                                f"{include}{INCLUDE}",
                                *flags,
                            )
                            self.assertEqual(done.returncode, 0, done.stderr)

    def test_as_the_project_builds_it(self):
        self.works(PLAIN, STRICT, "-DIA2_ENABLE=0")

    def test_as_it_is_compiled_again(self):
        self.works(SPLIT, RECOMPILED, "-DIA2_UNIT=1")

    def test_headers_that_ia2_has_too(self):
        self.works(OTHERS, STRICT, "-DIA2_ENABLE=0")
        self.works(OTHERS, RECOMPILED, "-DIA2_UNIT=1")

    def test_destructors(self):
        self.works(DESTRUCTORS, STRICT)

    def test_cxx_is_refused(self):
        for compiler in ("g++", "clang++"):
            for flags in (["-DIA2_ENABLE=0"], ["-DIA2_UNIT=1"]):
                done = self.compile(compiler, PLAIN, "-xc++", f"-I{INCLUDE}", *flags)
                self.assertEqual(done.returncode, 1)
                errors = [line for line in done.stderr.splitlines() if "error" in line]
                self.assertIn("ia2.h: C only", errors[0])


if __name__ == "__main__":
    unittest.main()
