"""Debian's sqlite3, shell and library in compartments: what the shell is told on its standard input
gives the same output and files."""

import difflib
import os
import pathlib
import re
import tempfile
import unittest

from tests.support import packages
from tests.support.packages import Case, Package

NEEDS_PKU = True
TIMEOUT = 300
SCRIPTS = pathlib.Path(__file__).resolve().parent / "sqlite3"

# As Debian builds it (its flags, no amalgamation), but as one program, without readline, and with
# what .recover needs. The programs of test/ that are in C are linked with the library of that
# build, where they would take the amalgamation.
CONFIGURE = (  # with -j2 some would be made while they are read
    'CFLAGS="-O2 -fno-strict-aliasing -DSQLITE_ENABLE_DBPAGE_VTAB $(grep -o -e'
    " '-DSQLITE_[A-Z0-9_=]*' debian/rules | tr '\\n' ' ')\" ./configure -q --with-pic --disable-tcl"
    " --disable-shared --disable-readline --disable-amalgamation --enable-load-extension"
    " --enable-fts4 --enable-fts5 && make sqlite3.h parse.h opcodes.c keywordhash.h fts5.c shell.c"
)
OTHERS = {"speedtest1": "", "kvtest": "-DSQLITE_DIRECT_OVERFLOW_READ"}
MAKE = "make -j2 sqlite3" + "".join(
    f" && {{ test {name} -nt libsqlite3.la || gcc -O2 -g -fPIC -w -I. -o {name} test/{name}.c"
    f" {more} .libs/libsqlite3.a -lpthread -ldl -lm; }}"
    for name, more in OTHERS.items()
)
SHELL = Package("sqlite3", "sqlite3", "sqlite3", MAKE, CONFIGURE)
PROGRAMS = tuple(
    Package(f"sqlite3_{name}", "sqlite3", name, MAKE, CONFIGURE, tree="sqlite3") for name in OTHERS
)


# What .stats says of memory, by the sizes that the allocator has, and what the kernel counts of a
# process, its loading included.
STATISTICS = re.compile(
    rb"^((?:Bytes|Cancelled|Read|Write|Memory|[^:\n]*Usage|[^:\n]*Overflow Bytes)[^:\n]*:) +\d+.*",
    re.MULTILINE,
)


def build(out: pathlib.Path):
    packages.build_all((SHELL,), out)


class Sqlite(Case):
    package = "sqlite3"
    maxDiff = None

    def own_tests(self, *names):
        """test/shellN.test of the package, under Tcl: every call of the shell is a process. The
        database that a test reads back is read by the plain shell, for the package's own harness is
        a Tcl with SQLite built in. test/shell7.test needs that for its values.
        """
        count = 0
        for name in names:
            results = []
            for program in (self.plain, self.ours):
                with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                    for link, target in (
                        ("tester.tcl", SCRIPTS / "tester.tcl"),
                        (name, self.folder / "test" / name),
                        ("sqlite3", program),
                    ):
                        pathlib.Path(folder, link).symlink_to(target)
                    ended = packages.run(
                        "/usr/bin/tclsh",
                        name,
                        folder=folder,
                        timeout=TIMEOUT,
                        environment={"CLI": "./sqlite3", "SETUP_CLI": self.plain},
                    )
                    ended["out"] = ended["out"].replace(
                        folder.encode(), b"FOLDER"
                    )  # shell1: where a database is
                    ended["out"] = re.sub(
                        rb"\b1\d{9}\b", b"TIME", ended["out"]
                    )  # shell8: the time of a file
                    ended["out"] = STATISTICS.sub(rb"\1 N", ended["out"])
                    results.append(ended)
            plain, ours = (ended["out"].decode(errors="replace").splitlines() for ended in results)
            self.assertEqual(
                "\n".join(difflib.unified_diff(plain, ours, "plain", "enforced", n=2, lineterm="")),
                "",
            )
            self.assertEqual(results[1], results[0])
            self.assertEqual(
                (results[0]["status"], re.findall(rb"^DIFFERS.*", results[0]["out"], re.MULTILINE)),
                (0, []),
            )
            count += len(re.findall(rb"^ok ", results[0]["out"], re.MULTILINE))
        self.assertGreater(count, 5)
        self.suite(f"test/{', '.join(names)}", count, "tests")

    def test_own_shell_tests(self):
        self.own_tests("shell3.test", "shell4.test", "shell8.test")

    @unittest.skipUnless(
        "IA2_ALL_VECTORS" in os.environ, "takes minutes in emulation; --all-vectors"
    )
    def test_own_other_shell_tests(self):
        self.own_tests("shell1.test", "shell2.test", "shell5.test", "shell6.test")

    def told(self, name: str, *arguments) -> tuple[dict, dict]:
        """How both programs end that are given the script NAME.sql, each in a folder of its own,
        and the databases they leave."""
        results = []
        for program in (self.plain, self.ours):
            with tempfile.TemporaryDirectory() as folder:
                ended = packages.run(
                    program,
                    *arguments,
                    folder=folder,
                    given=(SCRIPTS / f"{name}.sql").read_bytes(),
                    timeout=140,
                )
                ended["out"] = re.sub(
                    rb"-- \d+ ns", b"-- N ns", ended["out"]
                )  # .trace --profile: how long a statement took
                made = {
                    path.name: path.read_bytes()
                    for path in sorted(pathlib.Path(folder).glob("*.db"))
                }
            results.append((ended, made))
        (plain, plain_made), (ours, ours_made) = results
        self.assertMultiLineEqual(
            ours["out"].decode(errors="replace"), plain["out"].decode(errors="replace")
        )
        self.assertMultiLineEqual(
            ours["err"].decode(errors="replace"), plain["err"].decode(errors="replace")
        )
        self.assertEqual(ours["status"], plain["status"])
        self.assertGreaterEqual(plain["status"], 0)
        self.assertEqual(ours_made, plain_made)
        return ours, ours_made

    def test_statements(self):
        """Joins, aggregates, windows, triggers, transactions, the extensions, and the shell's ways
        to print what comes out."""
        ended, _ = self.told("statements")
        self.assertEqual(ended["status"], 3)
        self.assertIn(b"no such table: nosuch", ended["err"])
        self.assertGreater(len(ended["out"]), 15000)

    def test_files(self):
        """Write-ahead log, attached databases, sorts that spill, backups, imports, dumps, archives,
        constraints, callbacks."""
        ended, made = self.told("files")
        self.assertEqual(ended["status"], 1)
        self.assertIn(b"NOT NULL constraint failed", ended["err"])
        self.assertGreaterEqual(
            set(made), {"disk.db", "other.db", "vac.db", "back.db", "saved.db", "cloned.db"}
        )

    def test_recover(self):
        """The extension is the shell's: a virtual table that reads pages, in the shell's
        compartment."""
        with tempfile.TemporaryDirectory() as folder:
            made = packages.run(
                self.plain,
                "x.db",
                (
                    "create table t(a integer primary key, b text); create index i on t(b); with"
                    " n(i) as (select 1 union all select i+1 from n where i<300) insert into t"
                    " select i, hex(i*i) from n"
                ),
                folder=folder,
            )
            self.assertEqual(made["status"], 0)
            path = pathlib.Path(folder, "x.db")
            text = bytearray(path.read_bytes())
            text[0x1800:0x1900] = bytes(256)  # in the middle of a page
            path.write_bytes(text)
            self.assertGreater(
                self.same("x.db", ".recover", folder=folder)["out"].count(b"INSERT"), 200
            )

    def test_append(self):
        """A database after something else in a file: a file system of the shell's, around the
        library's."""
        results = []
        for program in (self.plain, self.ours):
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder, "x")
                path.write_bytes(b"#!/bin/sh\n" * 100)
                told = [
                    packages.run(program, "--append", "x", text, folder=folder)
                    for text in (
                        (
                            "create table t(a); insert into t values(1),(2); pragma"
                            " journal_mode=truncate; update t set a=a+1;"
                        ),
                        (
                            "begin; delete from t; rollback; select * from t; vacuum; pragma"
                            " integrity_check"
                        ),
                    )
                ]
                results.append((told, path.read_bytes()))
        self.assertEqual(results[1], results[0])
        self.assertEqual([ended["status"] for ended in results[0][0]], [0, 0])
        self.assertIn(b"2\n3\nok", results[0][0][1]["out"])

    def test_arguments(self):
        for arguments in (
            ("-version",),
            ("-nosuch",),
            ("-csv", "-header", ":memory:", "select 1 as a, 'x,y' as b"),
            (":memory:", "select"),
            ("-bail", "-cmd", ".mode json", ":memory:", "values(1),(2)"),
            ("/nonexistent/x.db", "create table t(a)"),
        ):
            with self.subTest(arguments):
                self.same(*arguments)


if __name__ == "__main__":
    unittest.main()
