"""Command lines of build systems, taken apart."""

import pytest

from ia2.base import shell_command


@pytest.mark.parametrize(
    "line, commands",
    [
        ("cc -c a.c", [["cc", "-c", "a.c"]]),
        (
            "cd /b && cc -c 'a b.c'; ar rcs x.a a.o",
            [["cc", "-c", "a b.c"], ["ar", "rcs", "x.a", "a.o"]],
        ),
        (": && cc a.o -o a && :", [["cc", "a.o", "-o", "a"]]),
        ("cc -DA='\"x;y\"' a.c", [["cc", '-DA="x;y"', "a.c"]]),
        ("cc '-DHASH=#1' a.c", [["cc", "-DHASH=#1", "a.c"]]),
        ("cat a | sed s/x/y/", [["cat", "a"], ["sed", "s/x/y/"]]),
        ("", []),
    ],
)
def test_simple_commands(line, commands):
    assert shell_command.simple_commands(line) == commands


def test_unbalanced_quotes_are_an_error():
    with pytest.raises(ValueError):
        shell_command.simple_commands("cc 'a.c")


@pytest.mark.parametrize(
    "name, kind",
    [
        ("gcc", "compiler"),
        ("x86_64-linux-gnu-gcc-12", "compiler"),
        ("clang-19", "compiler"),
        ("c99", "compiler"),
        ("g++", "cxx_compiler"),
        ("clang++-14", "cxx_compiler"),
        ("ar", "archiver"),
        ("llvm-ar-19", "archiver"),
        ("as", "assembler"),
        ("nasm", "assembler"),
        ("objcopy", "object_changer"),
        ("ld.lld-19", "object_changer"),
        ("gcc-wrapper", None),
        ("cat", None),
    ],
)
def test_a_tool_is_of_one_kind(name, kind):
    kinds = ("compiler", "cxx_compiler", "archiver", "assembler", "object_changer")
    command = ["ccache", f"/usr/bin/{name}", "x"]
    found = [it for it in kinds if getattr(shell_command, f"is_{it}")(command)]
    assert found == [kind] * (kind is not None)


@pytest.mark.parametrize(
    "arguments, rest",
    [
        (["ccache", "gcc", "-c"], ["gcc", "-c"]),
        (["LANG=C", "/usr/bin/ccache", "gcc"], ["gcc"]),
        (["gcc", "a=b.c"], ["gcc", "a=b.c"]),
        (["ccache"], ["ccache"]),
    ],
)
def test_launchers_are_looked_through(arguments, rest):
    assert shell_command.without_launcher(arguments) == rest
    assert shell_command.program(arguments) == (rest[0] if rest != ["ccache"] else "")


def test_response_files(tmp_path):
    (tmp_path / "outer.rsp").write_text("-DA '-DB=x y' @inner.rsp")
    (tmp_path / "inner.rsp").write_text("-DC")
    arguments = ["gcc", "@outer.rsp", "@missing.rsp", "a.c"]
    assert shell_command.expanded(arguments, str(tmp_path)) == [
        "gcc",
        "-DA",
        "-DB=x y",
        "-DC",
        "@missing.rsp",
        "a.c",
    ]
    assert shell_command.response_files(arguments, str(tmp_path)) == [
        str(tmp_path / "outer.rsp"),
        str(tmp_path / "inner.rsp"),
    ]


def test_a_response_file_that_names_itself_ends(tmp_path):
    (tmp_path / "self.rsp").write_text("-DA @self.rsp")
    assert shell_command.expanded(["gcc", "@self.rsp"], str(tmp_path))[-1] == "@self.rsp"


@pytest.mark.parametrize(
    "arguments, target",
    [
        (["gcc", "-o", "a", "a.c"], "a"),
        (["gcc", "-oa", "a.c"], "a"),
        (["gcc", "-o", "a", "-o", "b"], "b"),
        (["nasm", "-Obx", "-obelf"], None),
        (["gcc", "a.c", "-o"], None),
        (["gcc", "a.c"], None),
    ],
)
def test_output(arguments, target):
    assert shell_command.output(arguments) == target
