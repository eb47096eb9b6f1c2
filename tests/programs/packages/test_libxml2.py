"""Debian's libxml2, xmllint and library in compartments: the parsers, validators, tree, reader and
XPath say what they say in the plain program."""

import pathlib
import unittest

from tests.support import packages
from tests.support.packages import Case, Package

NEEDS_PKU = True
TIMEOUT = 600

PACKAGES = (
    Package(
        "libxml2",
        "libxml2",
        "build/xmllint",
        "cmake --build build --target xmllint",
        "cmake -G Ninja -B build -DBUILD_SHARED_LIBS=OFF -DLIBXML2_WITH_PYTHON=OFF"
        " -DLIBXML2_WITH_ICONV=OFF -DLIBXML2_WITH_LZMA=OFF "
        # Whether there is readline decides where the lines of xmllint's shell come from, and so on
        # the policy.
        "-DLIBXML2_WITH_ZLIB=OFF -DHAVE_LIBHISTORY=OFF -DHAVE_LIBREADLINE=OFF",
    ),
)


def build(out: pathlib.Path):
    packages.build_all(PACKAGES, out)


DOCUMENT = """<?xml version="1.0"?>
<!DOCTYPE a [<!ELEMENT a ANY><!ELEMENT p:c EMPTY><!ATTLIST a b CDATA "d"><!ENTITY e "ent"><!NOTATION n SYSTEM "x">]>
<a xmlns:p="urn:p" b="1">&e;<p:c p:d="2"/><!-- comment --><?pi data?><![CDATA[<raw>]]>&#8364;</a>
"""  # noqa: E501
INCLUDING = (
    '<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="document.xml"/><xi:include'
    ' href="none.xml"/></a>'
)
PAGE = "<html><body><p>one<p>two &amp; <b>three</body><table><tr><td>4"
SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"><xs:complexType><xs:sequence>
<xs:element name="n" type="xs:int" maxOccurs="3"/></xs:sequence></xs:complexType></xs:element></xs:schema>"""  # noqa: E501
GRAMMAR = """<grammar xmlns="http://relaxng.org/ns/structure/1.0" datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes"><start>
<element name="a"><oneOrMore><element name="n"><data type="int"/></element></oneOrMore></element></start></grammar>"""  # noqa: E501
SHELL = (
    b"ls /\ncat /\nxpath //*[1]\ncd a\npwd\ndu\ngrep ent\nvalidate\nset <q/>\nsave"
    b" -\nnonsense\nquit\n"
)
MODES = (
    (),
    ("--noent",),
    ("--copy", "--format"),
    ("--debug",),
    ("--sax",),
    ("--sax1",),
    ("--push",),
    ("--memory",),
    ("--stream", "--debug"),
    ("--walker", "--pattern", "a/c"),
    ("--valid",),
    ("--postvalid", "--noout"),
    ("--c14n",),
    ("--exc-c14n",),
    ("--xpath", "//*[last()] | //@*"),
    ("--encode", "ISO-8859-1"),
    ("--testIO",),
    ("--chkregister",),
    ("--auto",),
    ("--dropdtd", "--nocdata"),
    ("--insert",),
    ("--repeat", "--noout"),
    ("--xmlout", "--html"),
)


class Xmllint(Case):
    package = "libxml2"

    def write(self, name: str, text: str) -> str:
        (self.scratch / name).write_text(text)
        return name

    def lint(self, *arguments, **options) -> dict:
        return self.same(*arguments, folder=self.scratch, **options)

    def test_own_results(self):
        """Of the package's tests, Debian has kept these."""
        tests, results = self.folder / "test" / "schematron", self.folder / "result" / "schematron"
        for schema in sorted(tests.glob("*.sct")):
            with self.subTest(schema.stem):
                document = f"./test/schematron/{schema.stem}_0.xml"
                ended = self.same(
                    "--schematron", f"./test/schematron/{schema.name}", document, folder=self.folder
                )
                self.assertEqual(
                    (ended["out"], ended["err"]),
                    tuple(
                        (results / f"{schema.stem}_0{kind}").read_bytes() for kind in ("", ".err")
                    ),
                )
        for kind, option in (("schemas", "--schema"), ("relaxng", "--relaxng")):
            for schema in sorted((self.folder / "test" / kind).rglob("*.[xr][sn][dg]")):
                self.same(option, schema, schema)
        self.same(
            "--shell",
            "test/scripts/long_command.xml",
            folder=self.folder,
            given=(self.folder / "test/scripts/long_command.script").read_bytes(),
        )

    def test_modes(self):
        name = self.write("document.xml", DOCUMENT)
        for options in MODES:
            with self.subTest(options):
                self.lint(*options, name)
        self.lint("--xinclude", self.write("including.xml", INCLUDING))
        self.lint("--html", self.write("page.html", PAGE))
        self.lint("--html", "--push", "--debug", "page.html")

    def test_shell(self):
        ended = self.lint("--shell", self.write("document.xml", DOCUMENT), given=SHELL)
        self.assertRegex(ended["out"], rb"Object is a Node Set")

    def test_schemas(self):
        self.write("a.xsd", SCHEMA)
        self.write("a.rng", GRAMMAR)
        for text, status in (("<a><n>1</n><n>2</n></a>", 0), ("<a><n>x</n></a>", 3), ("<b/>", 3)):
            name = self.write("a.xml", text)
            for options in (
                ("--schema", "a.xsd"),
                ("--relaxng", "a.rng"),
                ("--schema", "a.xsd", "--stream"),
            ):
                with self.subTest((text, options)):
                    self.assertEqual(self.lint(*options, name)["status"], status)

    def test_broken_documents(self):
        for text in (
            "<a><b></a>",
            "",
            "<a>&none;</a>",
            "<a b='1' b='2'/>",
            "<!DOCTYPE a [<!ENTITY e '&e;'>]><a>&e;</a>",
            "<a>\x01</a>",
        ):
            name = self.write("broken.xml", text)
            for options in (("--recover",), ("--sax",), ("--stream",)):
                with self.subTest((text, options)):
                    self.lint(*options, name)
        self.lint("none.xml")
        self.lint("--no-such-option")

    def test_large(self):
        """More than one buffer of the parser's, and of the callback's."""
        items = "".join(
            f"<item n='{number}'>{'word ' * 20}<!-- {number} --></item>\n" for number in range(2000)
        )
        name = self.write("large.xml", f"<a>{items}</a>")
        for options in (
            (),
            ("--push",),
            ("--stream", "--noout"),
            ("--testIO",),
            ("--xpath", "count(//item[@n > 10])"),
        ):
            with self.subTest(options):
                self.lint(*options, name)
        self.assertEqual(
            self.lint("--xpath", "count(//item[@n > 10])", name)["out"].strip(), b"1989"
        )


if __name__ == "__main__":
    unittest.main()
