"""Programs nobody prepared, from Debian's source packages: each passes its own tests in
compartments, with a policy file alone."""

import os
import pathlib
import re
import shutil
import unittest

from tests.support import packages
from tests.support.packages import Case, Package

NEEDS_PKU = True
ALL = "IA2_ALL_VECTORS" in os.environ
TIMEOUT = 1200 if ALL else 200

PACKAGES = (
    Package("zlib", "zlib", "minigzip", "make -j2 minigzip", "./configure --static"),
    Package("zlib_example", "zlib", "example", "make -j2 example", "./configure --static"),
    Package("zlib_infcover", "zlib", "infcover", "make -j2 infcover", "./configure --static"),
    Package("bzip2", "bzip2", "bzip2", "make -j2 bzip2"),
    # The CMake files of this version define XML_DTD without a value, which does not compile with
    # Debian's patches.
    Package(
        "expat",
        "expat",
        "build/xmlwf/xmlwf",
        "cmake --build build --target xmlwf",
        (
            "cmake -G Ninja -B build -DEXPAT_BUILD_TESTS=OFF -DEXPAT_BUILD_DOCS=OFF -DEXPAT_DTD=OFF"
            " -DCMAKE_C_FLAGS=-DXML_DTD=1"
        ),
        top="expat",
    ),
    Package(
        "expat_runtests",
        "expat",
        "build/tests/runtests",
        "ninja -C build runtests",
        (
            "cmake -G Ninja -B build -DEXPAT_BUILD_DOCS=OFF -DEXPAT_DTD=OFF"
            " -DCMAKE_C_FLAGS='-DXML_DTD=1 -g'"
        ),
        top="expat",
        ninja="build",
    ),
    # Debian's Makefile needs libtool. No LUA_USE_DLOPEN: a module that is loaded belongs to no
    # compartment.
    Package(
        "lua",
        "lua5.4",
        "src/lua",
        (
            "cd src && for f in l*.c; do gcc -O2 -fPIC -DLUA_COMPAT_5_3 -DLUA_USE_POSIX -c $f ||"
            " exit 1; done && gcc -Wl,-E -o lua l*.o -lm"
        ),
        (
            "rm src/luac.c && echo '#define DEB_HOST_MULTIARCH \"x86_64-linux-gnu\"' >"
            " src/lua5.4-deb-multiarch.h"
        ),
    ),
)


def build(out: pathlib.Path):
    packages.build_all(PACKAGES, out)


class ZlibExample(Case):
    """The program of `make test`."""

    package = "zlib_example"

    def test_own_test(self):
        made = []
        for number, program in enumerate((self.plain, self.ours)):
            path = self.scratch / f"{number}.gz"
            made.append((packages.run(program, path), path.read_bytes()))
        self.assertEqual(made[1], made[0])
        self.assertEqual(made[0][0]["status"], 0)


class ZlibInfcover(Case):
    """The program of `make cover`: broken streams of every kind, a memory that ends, inflateBack()
    and its callbacks."""

    package = "zlib_infcover"

    def test_own_test(self):
        done = self.same()
        self.assertEqual(done["status"], 0)
        self.suite("test/infcover.c", len(done["err"].splitlines()), "lines of output")


class Zlib(Case):
    package = "zlib"

    def test_own_test(self):
        """`make test` pipes hello world through both directions."""
        packed = self.same(given=b"hello world\n")
        self.assertEqual(self.same("-d", given=packed["out"])["out"], b"hello world\n")

    def test_levels_and_strategies(self):
        text = (self.folder / "deflate.c").read_bytes() + os.urandom(5000)
        for options in (("-1",), ("-6",), ("-9",), ("-f",), ("-h",), ("-r",)):
            with self.subTest(options):
                packed = packages.run(self.ours, *options, given=text)
                self.assertEqual(packed, packages.run(self.plain, *options, given=text))
                self.assertEqual(self.same("-d", given=packed["out"])["out"], text)

    def test_files(self):
        for number, program in enumerate((self.plain, self.ours)):
            path = self.scratch / f"{number}.c"
            path.write_bytes((self.folder / "inflate.c").read_bytes())
            self.assertEqual(packages.run(program, path)["status"], 0)
            self.assertFalse(path.exists())
        first, second = ((self.scratch / f"{number}.c.gz").read_bytes() for number in (0, 1))
        self.assertEqual(first, second)
        self.assertEqual(packages.run(self.ours, "-d", self.scratch / "1.c.gz")["status"], 0)
        self.assertEqual(
            (self.scratch / "1.c").read_bytes(), (self.folder / "inflate.c").read_bytes()
        )

    def test_broken_data(self):
        self.same("-d", given=b"\x1f\x8b\x08\x00 this is no gzip data")
        packed = bytearray(
            packages.run(self.plain, given=(self.folder / "trees.c").read_bytes())["out"]
        )
        packed[2000] ^= 0xFF
        self.same("-d", given=bytes(packed))
        self.same("-d", self.scratch / "none.gz")


class Bzip2(Case):
    package = "bzip2"

    def test_own_test(self):
        """What `make test` does: each sample, compressed with -N and decompressed, gives the
        reference."""
        for number, small in ((1, ""), (2, ""), (3, "s")):
            with self.subTest(number):
                text = (self.folder / f"sample{number}.ref").read_bytes()
                packed = self.same(f"-{number}", given=text)
                self.assertEqual(packed["out"], (self.folder / f"sample{number}.bz2").read_bytes())
                self.assertEqual(self.same(f"-d{small}", given=packed["out"])["out"], text)

    def test_files(self):
        text = (self.folder / "bzlib.c").read_bytes()
        for number, program in enumerate((self.plain, self.ours)):
            path = self.scratch / f"{number}.c"
            path.write_bytes(text)
            self.assertEqual(packages.run(program, "-v", path)["status"], 0)
            self.assertFalse(path.exists())
            self.assertEqual(packages.run(program, "-t", f"{path}.bz2")["status"], 0)
        first, second = ((self.scratch / f"{number}.c.bz2").read_bytes() for number in (0, 1))
        self.assertEqual(first, second)
        self.assertEqual(packages.run(self.ours, "-d", self.scratch / "1.c.bz2")["status"], 0)
        self.assertEqual((self.scratch / "1.c").read_bytes(), text)

    def test_broken_data(self):
        self.same("-d", given=b"BZh9 this is not what bzip2 makes")
        packed = bytearray((self.folder / "sample1.bz2").read_bytes())
        packed[20000] ^= 0xFF
        self.same("-d", given=bytes(packed))
        self.same("-t", self.scratch / "none.bz2")
        self.same("--no-such-option")
        self.same("--help")


class Expat(Case):
    """The package's own test needs documents of the W3C that it does not have; these are of the
    same kinds."""

    package = "expat"
    TOO_MANY = (
        "<a"
        + "".join(f" {letter}{number}='{number}'" for letter in "zyxabc" for number in range(9))
        + "/>"
    )
    DOCUMENTS = {
        "plain": "<a b='1'>text<c/></a>",
        "entities": (
            "<!DOCTYPE a [<!ENTITY e 'x&#233;y'><!ELEMENT a ANY><!ATTLIST a z CDATA"
            " 'default'>]><a>&e;&lt;&#x20ac;</a>"
        ),
        "namespaces": "<p:a xmlns:p='urn:p' p:q='1' xmlns='urn:d' r='2'><b p:q='3'/></p:a>",
        "markup": (
            "<?xml version='1.0' standalone='yes'?><a><!-- comment --><?target data?><![CDATA["
            " <raw> ]]></a>"
        ),
        "notations": (
            "<!DOCTYPE a [<!NOTATION n PUBLIC 'pub' 'sys'><!NOTATION m SYSTEM 's2'><!ENTITY g"
            " SYSTEM 'g.gif' NDATA n>]><a/>"
        ),
        "attributes": TOO_MANY,
        "deep": "<d>" * 200 + "</d>" * 200,
        "long": (
            "<a>"
            + "".join(f"<item n='{number}'>{'word ' * 20}</item>" for number in range(300))
            + "</a>"
        ),
        "external": (
            "<!DOCTYPE a SYSTEM 'external.dtd' [<!ENTITY f SYSTEM 'part.ent'>]><a>&f;&g;</a>"
        ),
        "not closed": "<a><b></a>",
        "two roots": "<a/><b/>",
        "bad entity": "<a>&none;</a>",
        "bad attribute": "<a b=1/>",
        "twice": "<a b='1' b='2'/>",
        "empty": "",
        "bad token": "<a>&</a>",
        "loop": "<!DOCTYPE a [<!ENTITY e '&e;'>]><a>&e;</a>",
        "unbound": "<p:a/>",
    }

    def documents(self) -> list:
        for name, text in self.DOCUMENTS.items():
            (self.scratch / f"{name}.xml").write_text(text)
        (self.scratch / "latin.xml").write_bytes(
            "<?xml version='1.0' encoding='windows-1252'?><a>\xe9\xfc</a>".encode("latin-1")
        )
        (self.scratch / "utf16.xml").write_text(
            "<?xml version='1.0' encoding='UTF-16'?><a>\u20ac</a>", encoding="utf-16"
        )
        (self.scratch / "external.dtd").write_text("<!ELEMENT a ANY><!ENTITY g 'from outside'>")
        (self.scratch / "part.ent").write_text("part of <b/>")
        return sorted(self.scratch.glob("*.xml"))

    def all_same(self, *options):
        """One run of each program takes all documents; -k: it goes on after a broken one."""
        names = [path.name for path in self.documents()]
        results = []
        for number, program in enumerate((self.plain, self.ours)):
            folder = self.scratch / f"out{number}"
            folder.mkdir()
            ended = packages.run(program, *options, "-k", "-d", folder, *names, folder=self.scratch)
            made = {
                name: (folder / name).read_bytes() for name in names if (folder / name).exists()
            }
            shutil.rmtree(folder)
            results.append((ended, made))
        self.assertEqual(results[1], results[0])
        self.assertGreaterEqual(results[0][0]["status"], 0)
        self.assertGreater(len(results[0][1]), 5)

    def test_canonical_output(self):
        self.all_same()

    def test_namespaces_and_notations(self):
        self.all_same("-n", "-N")

    def test_external_entities(self):
        self.all_same("-p", "-x")

    def test_unknown_encodings_read_in_pieces(self):
        self.all_same("-w", "-r")

    def test_other_outputs(self):
        self.documents()
        for options in (("-m",), ("-c",), ("-t",), ("-s", "-e", "iso-8859-1")):
            with self.subTest(options):
                self.same(
                    *options,
                    "-k",
                    "entities.xml",
                    "external.xml",
                    "notations.xml",
                    folder=self.scratch,
                )
        self.same("none.xml", folder=self.scratch)
        self.same("-v")


class ExpatRuntests(Case):
    """The program of `make check`, which has its own allocators and uses what the library has for
    tests alone."""

    package = "expat_runtests"

    @unittest.skipUnless(ALL, "takes minutes in emulation; --all-vectors")
    def test_own_tests(self):
        done = self.same("-v", timeout=TIMEOUT / 2)
        self.assertEqual(done["status"], 0)
        self.suite("tests/runtests.c", done["out"].count(b"PASS: "), "tests")


class Lua(Case):
    """The package has no tests; this is what its manual describes."""

    package = "lua"
    SCRIPT = b"""
        print("hello", #arg, ...)
        print(pcall(error, "x", 0), pcall(error), select("#", pcall(function() local x = nil; return x.y end)))
        print(pcall(string.rep), string.format("%5.2f %d %s %q", 1.5, 3, "s", "a\\nb"))
        local co = coroutine.wrap(function(a) for i = 1, 3 do a = coroutine.yield(a * i) end return "end" end)
        print(co(1), co(2), co(3), co(4), pcall(co))
        local t = {}
        for i = 1, 3000 do t[i] = tostring(i) end
        table.sort(t, function(a, b) return a > b end)
        print(t[1], #table.concat(t))
        t = nil; collectgarbage(); print(collectgarbage("count") < 5000)
        local m = setmetatable({}, {__index = function(_, k) return k .. "!" end, __gc = function() print "gc" end,
                                    __close = function() print "closed" end})
        do local c <close> = m; print(m.x) end
        print(load("return 1 + 1")(), load("syntax error here"))
        print(xpcall(function() error("deep") end, function(e) return "handled " .. e end))
        local f = io.open(arg[0]); print(#f:read("a") > 100); f:close(); print(io.open("/nonexistent"))
        local name = os.tmpname(); f = io.open(name, "w"); f:write("line\\n", 5, "\\n"); f:close()
        for line in io.lines(name) do print(line) end
        print(os.remove(name), os.getenv("NONE"), math.type(3), 7 // 2, 2 ^ 10, 10 % 3.5, os.date("!%Y", 0))
        print(("abc"):gsub("b", {b = "x"}), ("key=val"):match("(%w+)=(%w+)"), utf8.char(228, 8364), #utf8.char(8364))
        print(#select(2, pcall(require, "none")) > 20, string.pack("<i4", 7):byte(1, -1), string.unpack("z", "ab\\0"))
        print(debug.traceback("here"), debug.getinfo(1, "S").short_src, string.dump(load("return 1")):sub(2, 4))
        local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end
        print(deep(5000), pcall(function() local function all() return 1 + all() end return all() end))
        debug.sethook(function() end, "l"); local x = 1; debug.sethook(); warn("@on"); warn("a ", "warning")
        local function lines() error({code = 2}) end
        print(pcall(lines))
    """.replace(  # noqa: E501
        b"\n        ", b"\n"
    )

    def lua(self, *arguments, **options):
        """Addresses differ from run to run."""
        plain, ours = (
            packages.run(program, *arguments, folder=self.scratch, **options)
            for program in (self.plain, self.ours)
        )
        for ended in (plain, ours):
            ended["out"] = re.sub(rb"0x[0-9a-f]+", b"ADDRESS", ended["out"])
        self.assertEqual(ours, plain)
        self.assertGreaterEqual(plain["status"], 0)
        return ours

    def test_script(self):
        (self.scratch / "a.lua").write_bytes(self.SCRIPT)
        done = self.lua("a.lua", "1", "2")
        self.assertEqual((done["status"], done["out"][:11]), (0, b"hello\t2\t1\t2"[:11]), done)

    def test_uncaught_errors(self):
        (self.scratch / "error.lua").write_text(
            "local function f() error('uncaught ' .. 1) end\nf()\n"
        )
        (self.scratch / "syntax.lua").write_text("x = = 1\n")
        for arguments in (
            ("error.lua",),
            ("syntax.lua",),
            ("none.lua",),
            ("-e", "error{}"),
            ("-e", "os.exit(3)"),
            ("-l", "none"),
            ("-x",),
            ("-e", "error(setmetatable({}, {__tostring = function() return 'shown' end}))"),
        ):
            with self.subTest(arguments):
                self.lua(*arguments)

    def test_interactive(self):
        self.lua("-i", given=b"1 + 1\nx =\n3\nx\nerror('t')\nfor i = 1, 2 do\nprint(i) end\n")
        self.lua("-v", "-W", "-e", "warn('w') print(_VERSION)")
        self.lua("-", "argument", given=b"print(...)")


if __name__ == "__main__":
    unittest.main()
