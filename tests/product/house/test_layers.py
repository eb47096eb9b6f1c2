"""The arrows of the tree go down, and the test that says so sees those that do not."""

import os
import pathlib
import subprocess
import tomllib
import unittest

from tests.product.house import layers

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ["IA2_SOURCE"])
BUILD = pathlib.Path(os.environ["IA2_BUILD"])
RULES = tomllib.loads((HERE / "layers.toml").read_text())


def write(folder: pathlib.Path, files: dict[str, str]) -> pathlib.Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def fresh(name: str) -> pathlib.Path:
    folder = pathlib.Path(os.environ["IA2_TEST_OUT"]) / name
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    folder.mkdir(parents=True)
    return folder


class Tree(unittest.TestCase):
    """The project itself."""

    def judge(self, tree: str):
        findings = layers.judge(SOURCE, BUILD, tree, RULES[tree])
        self.assertEqual(findings.lines(tree), [])

    def test_runtime(self):
        self.judge("runtime")

    def test_rewriter(self):
        self.judge("kit/rewriter")

    def test_engine(self):
        self.judge("kit/ia2")

    def test_every_folder_has_a_layer(self):
        for tree, rules in RULES.items():
            suffixes = (".py",) if rules["language"] == "python" else (".c", ".h", ".S")
            found = {
                layers.folder_of(str(path.relative_to(SOURCE / tree)))
                for path in (SOURCE / tree).rglob("*")
                if path.suffix in suffixes and path.name != "__init__.py"
            }
            self.assertEqual(found - set(rules["layers"]), set(), tree)


class C(unittest.TestCase):
    """A small tree of C, with one rule broken at a time."""

    RULES = {"language": "c", "layers": ["high", "low"], "contracts": []}

    def judge(self, name: str, files: dict[str, str]) -> list[str]:
        top = fresh(name)
        write(top / "tree", files)
        commands = []
        for file in files:
            if file.endswith(".c"):
                output = f"out/{file.replace('/', '_')}.o"
                (top / "out").mkdir(exist_ok=True)
                subprocess.run(
                    ["gcc", "-c", "-I", "tree", f"tree/{file}", "-o", output], cwd=top, check=True
                )
                commands.append(
                    f'{{"directory": "{top}", "file": "tree/{file}", "output": "{output}"}}'
                )
        (top / "compile_commands.json").write_text(f"[{','.join(commands)}]")
        return layers.judge(top, top, "tree", self.RULES).lines("tree")

    DOWN = {
        "high/a.c": '#include "low/b.h"\nint a(void) { return b(); }\n',
        "low/b.c": '#include "b.h"\nint b(void) { return 1; }\n',
        "low/b.h": "int b(void);\n",
    }

    def test_down(self):
        self.assertEqual(self.judge("down", self.DOWN), [])

    def test_up_by_symbol(self):
        files = {**self.DOWN, "low/b.c": "int a(void);\nint b(void) { return a(); }\n"}
        self.assertEqual(
            self.judge("up", files),
            [
                "tree/low/b.c -> high/a.c: a (goes up)",
                "tree: a circle of files: high/a.c, low/b.c",
            ],
        )

    def test_up_by_include(self):
        files = {
            **self.DOWN,
            "high/a.h": "struct a;\n",
            "low/b.h": '#include "high/a.h"\nint b(void);\n',
        }
        self.assertEqual(
            self.judge("include", files),
            ['tree/low/b.h -> high/a.h: #include "high/a.h" (goes up)'],
        )

    def test_circle_in_one_folder(self):
        files = {
            "low/a.c": "int b(void);\nint a(void) { return b(); }\n",
            "low/b.c": "int a(void);\nint b(void) { return a(); }\n",
        }
        self.assertEqual(self.judge("circle", files), ["tree: a circle of files: low/a.c, low/b.c"])

    def test_declared_by_another_header(self):
        files = {**self.DOWN, "low/c.h": "/* c(), not b(); */\nextern int b(void);\n"}
        self.assertEqual(
            self.judge("foreign", files),
            ["tree/low/c.h -> low/b.c: b (declared by a header of another name)"],
        )

    def test_used_by_an_inline_function(self):
        files = {
            **self.DOWN,
            "low/c.h": '#include "b.h"\nstatic inline int c(void) { return b(); }\n',
        }
        self.assertEqual(self.judge("inline", files), [])

    def test_folder_without_layer(self):
        files = {**self.DOWN, "other/d.c": '#include "low/b.h"\nint d(void) { return b(); }\n'}
        self.assertEqual(len(self.judge("other", files)), 2)


class Python(unittest.TestCase):
    """A small package, with one rule broken at a time."""

    RULES = {"language": "python", "layers": ["high", "low"]}

    def judge(self, name: str, files: dict[str, str]) -> list[str]:
        top = fresh(name)
        write(top / "tree", files)
        return layers.judge(top, top, "tree", self.RULES).lines("tree")

    def test_down(self):
        files = {"high/a.py": "from ..low import b\n", "low/b.py": "import os\n"}
        self.assertEqual(self.judge("down", files), [])

    def test_up_inside_a_function(self):
        files = {"high/a.py": "", "low/b.py": "def f():\n    from ..high import a\n    a.g()\n"}
        self.assertEqual(self.judge("up", files), ["tree/low/b.py -> high/a.py: a (goes up)"])

    def test_up_by_absolute_name(self):
        files = {"high/a.py": "x = 1\n", "low/b.py": "from tree.high.a import x\n"}
        self.assertEqual(self.judge("absolute", files), ["tree/low/b.py -> high/a.py: x (goes up)"])

    def test_circle(self):
        files = {"low/a.py": "from . import b\n", "low/b.py": "from .a import x\n"}
        self.assertEqual(
            self.judge("circle", files), ["tree: a circle of files: low/a.py, low/b.py"]
        )


if __name__ == "__main__":
    unittest.main()
