"""report's page: it says what OUT says, stands alone, and no name of a file or symbol gets out of
its place."""

import copy
import html.parser
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree
import zlib

from ia2.tools import markup, picture, picture_svg
from tests.support import small_project as small

OUT = pathlib.Path(os.environ["IA2_TEST_OUT"])
REPORT = small.SOURCE / "scripts/report"
HOST, SMALL = OUT / "host", OUT / "small"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TIMEOUT = 300
# What a page may consist of. Scripts, frames, images, forms and links to elsewhere are not in it.
TAGS = set(
    "html head meta title style body h1 h2 h3 p nav a section figure table thead tbody tr th td"
    " code br ul li svg defs marker path rect g text".split()
)
ATTRIBUTES = set(
    "lang charset http-equiv content name class href id width height rx x y fill d marker-end"
    " stroke-width text-anchor viewBox refX refY markerWidth markerHeight markerUnits orient"
    " role aria-label xmlns".split()
)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style><svg onload=alert(1)>",
    "&lt;b&gt; &amp; ]]> <!-- --> \x00\x01",
    "\x1b[31mred\x07\r\nsecond line",
    "\u202egnirts desrever\u2066\udcff",
    "url(https://example.org/x)",
)


def build(out: pathlib.Path) -> None:
    for folder in (HOST, SMALL):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(small.SOURCE / "examples/plugin-host", HOST)
    small.rewrite(HOST, HOST / "out", "--capture", "make -s", "--target", "host", HOST)
    small.make(
        SMALL,
        Makefile=small.MAKEFILE,
        tool__main___c=small.FILES["tool/main.c"].replace(
            "static int total", "int loud[100];\nstatic int total"
        ),
        lib__counter___c=small.FILES["lib/counter.c"].replace(
            "{ return values; }", "{ extern int loud[100]; loud[0]++; return values; }"
        ),
        compartments___toml=small.FILES["compartments.toml"].replace(
            'sources = ["tool/**"]', 'sources = ["tool/**"]\nreads = ["counter"]'
        )
        + '\n[shared]\nvariables = ["loud"]\n',
    )
    small.rewrite(SMALL, SMALL / "out", "--capture", "make -s", SMALL)


class Page(html.parser.HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text = set(), [], ""
        self.open, self.faults = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in markup.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data):
        self.text += data


def faults(text):
    """What is wrong with a page as such."""
    found = []
    page = Page(text)
    found += [f"not closed: {tag}" for tag in [*page.open, *page.faults]]
    found += [f"tag {tag}" for tag in page.tags - TAGS]
    lowered = {name.lower() for name in ATTRIBUTES}
    found += [f"attribute {name}" for name, _ in page.attributes if name not in lowered]
    ids = [value for name, value in page.attributes if name == "id"]
    found += [f"id {value} twice" for value in ids if ids.count(value) > 1]
    for name, value in page.attributes:
        if name == "href" and not (value.startswith("#") and value[1:] in ids):
            found.append(f"leads elsewhere: {value}")
        if name in ("fill", "marker-end", "content") and re.search(r"//|url\((?!#)", value):
            found.append(f"leads elsewhere: {value}")
    styles = "".join(re.findall(r"<style>(.*?)</style>", text, re.S))
    found += [f"in style: {hit}" for hit in re.findall(r"url\(|@import|//|<", styles)]
    try:
        tree = ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))
        plain = {element.tag.rpartition("}")[2] for element in tree.iter()}
        found += [f"tag {tag}, as XML" for tag in plain - TAGS]
    except ElementTree.ParseError as error:
        found.append(f"not well-formed: {error}")
    found += [f"control {ord(c):#x}" for c in set(text) if not c.isprintable() and c != "\n"]
    return found


def report(out, *arguments, check=True):
    return small.run(REPORT, out, *arguments, check=check)


def page_of(out, *arguments):
    done = report(out, "--page", OUT / "page.html", *arguments)
    return (OUT / "page.html").read_text(), done.stdout


class Says(unittest.TestCase):
    def test_who_calls_whom(self):
        text, printed = page_of(HOST / "out")
        self.assertEqual(faults(text), [])
        boundary = json.loads((HOST / "out/boundary.json").read_text())
        names = {1: "host", 2: "blur", 3: "thief"}
        plain = Page(text).text
        for caller in names:
            for owner in names:
                count = sum(
                    gate["owner"] == owner and caller in gate["callers"]
                    for gate in boundary["gates"]
                )
                if caller != owner and count:
                    self.assertIn(f"{names[caller]} → {names[owner]}: {count} gate", plain)
                    self.assertIn(f"{names[caller]} -> {names[owner]}: {count} gate", printed)
        for gate in boundary["gates"]:
            self.assertIn(gate["signature"], plain)
            self.assertIn(f"{gate['file']}:{gate['line']}", plain)

    def test_exposures_with_their_lines_the_largest_first(self):
        text, printed = page_of(SMALL / "out")
        self.assertEqual(faults(text), [])
        policy = (SMALL / "compartments.toml").read_text().splitlines()
        reads, variables = (
            f"compartments.toml:{policy.index(entry) + 1}"
            for entry in ('reads = ["counter"]', 'variables = ["loud"]')
        )
        plain = Page(text).text
        self.assertIn('[compartment.tool] reads = ["counter"]', plain)
        self.assertIn("400 bytes", plain)
        self.assertLess(plain.index(reads), plain.index(variables))
        lines = [line for line in printed.splitlines() if "[compartments.toml:" in line]
        self.assertEqual([reads in lines[0], variables in lines[1], len(lines)], [True, True, 2])
        # values[8] and used, of 4 bytes each.
        self.assertIn("2 variables, 36 bytes", plain)

    def test_rewritten_text_side_by_side(self):
        text, _ = page_of(HOST / "out")
        plain = Page(text).text
        self.assertIn("filter->apply(image, progress);", plain)
        self.assertRegex(plain, r"IA2_CALL\(filter->apply, 0x\w+u\)\(image, IA2_FN_STATIC")
        # A line that did not change, far from any change, is not shown.
        self.assertNotIn("the host's own", plain)

    def test_every_changed_line_and_no_other_is_marked(self):
        made = picture.Picture(str(HOST / "out"))
        for change in made.changes():
            name = change.path
            done = subprocess.run(
                ["diff", HOST / name, HOST / "out/rewritten" / name], capture_output=True, text=True
            )
            wanted = [line[2:] for line in done.stdout.splitlines() if line.startswith(">")]
            rows = [row for group in change.groups for row in group if row.changed]
            self.assertEqual([row.after for row in rows], wanted)
            self.assertEqual(change.changed, len(wanted))

    def test_audit_and_permissive(self):
        text, printed = page_of(HOST / "out")
        checks = json.loads((HOST / "out/audit.json").read_text())["checks"]
        self.assertIn(f"The audit passed: {len(checks)} checks", Page(text).text)
        self.assertIn(f"{len(checks)} checks passed, 0 failed", printed)
        self.assertNotIn("NOTHING IS ENFORCED", text)
        copied = copy_of(HOST / "out")
        edit(copied / "audit.json", lambda audit: audit.update(permissive=True))
        text, printed = page_of(copied)
        self.assertIn('class="verdict bad">This program is permissive: NOTHING IS ENFORCED', text)
        self.assertIn("NOTHING IS ENFORCED", printed)

    def test_a_failed_audit(self):
        copied = copy_of(HOST / "out")

        def fail(audit):
            audit["ok"] = False
            audit["checks"][0].update(ok=False, detail="it is wrong")

        edit(copied / "audit.json", fail)
        text, printed = page_of(copied)
        self.assertIn("The audit found 1 fault", text)
        self.assertIn("it is wrong", text)
        self.assertRegex(printed, r"FAILED .*it is wrong")

    def test_violations(self):
        log = OUT / "log.json"
        frame = {"object": str(HOST / "out/bin/host"), "offset": "0x1000", "function": "main"}
        violation = {
            "kind": "access",
            "access": "write",
            "accessor": "blur",
            "accessor_key": 2,
            "owner": "host",
            "owner_key": 1,
            "at": frame,
            "count": 3,
            "memory": {"kind": "global", "object": frame["object"], "name": "<b>secret"},
        }
        run = {"kind": "run", "version": 1, "pkeys": True, "program": "host", "ended": "died"}
        log.write_text(f"{json.dumps(run)}\n{json.dumps(violation)}\n")
        text, printed = page_of(HOST / "out", "--violations", log)
        self.assertEqual(faults(text), [])
        plain = Page(text).text
        self.assertIn("3 violations, 1 of them different", plain)
        self.assertIn("blur writes '<b>secret' of host", plain)
        self.assertIn("the run died", plain)
        self.assertIn("3 violations, 1 different", printed)
        self.assertNotIn("Violations", Page(page_of(HOST / "out")[0]).text)

    def test_equal_input_gives_equal_bytes(self):
        self.assertEqual(page_of(HOST / "out")[0], page_of(HOST / "out")[0])

    def test_says_what_it_does_not_show(self):
        text = Page(page_of(HOST / "out")[0]).text
        self.assertIn("Open files: every compartment can read and write them", text)


def copy_of(out):
    copied = OUT / "copied"
    shutil.rmtree(copied, ignore_errors=True)
    return pathlib.Path(shutil.copytree(out, copied, symlinks=True))


def edit(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def replaced(value, names):
    """`value` with other strings in it, except where a list of values is given."""
    if isinstance(value, dict):
        return {
            key: item if key in ("kind", "group", "version") else replaced(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [replaced(item, names) for item in value]
    return names(value) if isinstance(value, str) else value


class HostileNames(unittest.TestCase):
    def hostile(self, name):
        """A copy of an OUT in which every string of each file is a hostile one."""
        copied = copy_of(SMALL / "out")
        kept = {"objects", "units", "source_root", "build_dir", "policy_lines"}

        def plan(data):
            for key in data.keys() - kept:
                data[key] = replaced(data[key], lambda old: name)
            data["allocations"] = {name: 0, f"f.{name}": 1}
            data["shared_variables"] = [name]

        def boundary(data):
            rewritten = data["rewritten"]
            data.update(replaced(data, lambda old: name))
            data["rewritten"] = [*rewritten, name]
            data["shared_locals"] = [
                {"file": name, "line": 1, "function": name, "name": name, "type": name}
            ]
            data["may_cross"] = [
                {"name": name, "file": name, "line": 1, "taken_file": name, "taken_line": 2}
            ]

        edit(copied / "plan.json", plan)
        edit(copied / "boundary.json", boundary)
        edit(
            copied / "audit.json",
            lambda data: data.update(
                replaced(copy.deepcopy(data), lambda old: name),
            ),
        )
        return copied

    def test_in_every_place(self):
        for name in HOSTILE:
            with self.subTest(name):
                text, printed = page_of(self.hostile(name), "--svg", OUT / "hostile.svg")
                self.assertEqual(faults(text), [])
                self.assertIn(markup.visible(name), Page(text).text)
                ElementTree.parse(OUT / "hostile.svg")
                controls = {c for c in printed if not c.isprintable() and c != "\n"}
                self.assertEqual(controls, set())

    def test_in_a_source(self):
        copied = copy_of(HOST / "out")
        top = OUT / "hostile-sources"
        shutil.rmtree(top, ignore_errors=True)
        top.mkdir()
        name = "a<b>&'.c"
        (top / name).write_bytes(b"int a; // </td><script>\nint b; \x1b\xff\x00\n")
        (copied / "rewritten" / name).write_bytes(
            b"#include <ia2.h>\n#line 1\nint a; // </td><script>\nint c; \xe2\x80\xae\n"
        )
        edit(copied / "plan.json", lambda data: data.update(source_root=str(top)))
        edit(copied / "boundary.json", lambda data: data.update(rewritten=[name, "gone.c"]))
        text, _ = page_of(copied)
        self.assertEqual(faults(text), [])
        plain = Page(text).text
        self.assertIn("int b; \\u{1b}\\u{dcff}\\u{0}", plain)
        self.assertIn("int c; \\u{202e}", plain)
        self.assertIn("cannot be read: No such file or directory", plain)

    def test_the_check_finds_what_is_wrong(self):
        """Must fail: the page without escaping, and with something from elsewhere."""
        good, _ = page_of(HOST / "out")
        self.assertEqual(faults(good), [])
        for bad in (
            "<script>1</script>",
            '<p onclick="x">x</p>',
            '<a href="https://example.org">x</a>',
            '<a href="#nowhere">x</a>',
            "<p>",
            "</p>",
            "<img/>",
            "\x1b",
            "<style>p { background: url(x) }</style>",
        ):
            with self.subTest(bad):
                self.assertNotEqual(faults(good.replace("</body>", f"{bad}</body>")), [])


class Alignment(unittest.TestCase):
    def test_lines_stay_on_their_own(self):
        before = ["a", "b", "c", ""]
        after = ["#include <ia2.h>", "#line 1", "a", "B", "c", "X;", ""]
        rows = picture.aligned(before, after)
        changed = [(row.number, row.before, row.after) for row in rows if row.changed]
        self.assertEqual(
            changed, [(0, "", "#include <ia2.h>"), (0, "", "#line 1"), (2, "b", "B"), (0, "", "X;")]
        )

    def test_another_source_is_not_compared(self):
        self.assertIsNone(picture.aligned(["a"] * 9, ["a"]))
        self.assertIsNone(picture.aligned(["a", "b", "c"], ["x", "y", "z", "w"]))

    def test_a_file_with_many_changes_is_cut_and_says_so(self):
        copied = copy_of(HOST / "out")
        top = OUT / "many"
        shutil.rmtree(top, ignore_errors=True)
        top.mkdir()
        lines = [f"line {n}" for n in range(3000)]
        (top / "m.c").write_text("\n".join(lines))
        lines[::10] = [f"{line} changed" for line in lines[::10]]
        (copied / "rewritten/m.c").write_text("\n".join(lines))
        edit(copied / "plan.json", lambda data: data.update(source_root=str(top)))
        edit(copied / "boundary.json", lambda data: data.update(rewritten=["m.c"]))
        text, _ = page_of(copied)
        shown = text.count('class="new"')
        self.assertIn(f"{300 - shown} changed lines more: diff", text)
        self.assertGreater(shown, 50)


class Graphs(unittest.TestCase):
    def test_every_number_of_compartments(self):
        """Boxes are inside of the drawing and do not touch, with every pair calling each other."""
        for count in range(1, 13):
            with self.subTest(count):
                middles, width, height = picture_svg.places(count)
                self.assertEqual(len(middles), count)
                for index, (x, y) in enumerate(middles):
                    self.assertTrue(
                        picture_svg.WIDTH / 2 <= x <= width - picture_svg.WIDTH / 2, (x, width)
                    )
                    self.assertTrue(
                        picture_svg.HEIGHT / 2 <= y <= height - picture_svg.HEIGHT / 2, (y, height)
                    )
                    for other in middles[:index]:
                        apart = (
                            abs(x - other[0]) > picture_svg.WIDTH
                            or abs(y - other[1]) > picture_svg.HEIGHT
                        )
                        self.assertTrue(apart, (count, (x, y), other))

    def test_the_picture_in_the_documents(self):
        """docs/picture.svg is what report makes of examples/plugin-host."""
        report(HOST / "out", "--svg", OUT / "host.svg", "--page", OUT / "page.html")
        self.assertEqual(
            (OUT / "host.svg").read_text(), (small.SOURCE / "docs/picture.svg").read_text()
        )


class Refusals(unittest.TestCase):
    def refused(self, out, *arguments):
        done = report(out, *arguments, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("Traceback", done.stdout)
        return done.stdout

    def test_not_an_output_directory(self):
        self.assertIn("has no plan.json (name the output directory", self.refused(OUT))
        self.assertIn("has no plan.json", self.refused(OUT / "nowhere"))

    def test_a_run_that_did_not_end(self):
        copied = copy_of(HOST / "out")
        (copied / "audit.json").unlink()
        self.assertIn("audit.json: is missing (run the audit again)", self.refused(copied))

    def test_a_gate_of_no_compartment(self):
        copied = copy_of(HOST / "out")
        edit(copied / "boundary.json", lambda data: data["gates"][0].update(owner=9))
        self.assertIn("no compartment with key 9", self.refused(copied))
        self.assertFalse((copied / "report.html").exists())

    def test_a_log_that_is_none(self):
        self.assertIn(
            "is not a log of violations",
            self.refused(HOST / "out", "--violations", HOST / "host.c"),
        )

    def test_a_page_that_cannot_be_written(self):
        self.assertIn("/no/such", self.refused(HOST / "out", "--page", "/no/such/page.html"))


class Objects(unittest.TestCase):
    def test_sizes_are_not_made_up_when_the_objects_are_gone(self):
        copied = copy_of(SMALL / "out")

        def gone(data):
            for record in data["objects"]:
                record["path"] += ".gone"

        edit(copied / "plan.json", gone)
        plain = Page(page_of(copied)[0]).text
        self.assertIn("at least 0 variables", plain)
        self.assertNotIn("400 bytes", plain)


def pixels(path):
    """Width, height and the rows of a PNG of 8 bits per colour, without interlacing."""
    data, place, packed = path.read_bytes(), 8, b""
    while place < len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + size]
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack(">IIBB", body[:10])
        packed += body if kind == b"IDAT" else b""
        place += size + 12
    step = {2: 3, 6: 4}[colour]
    raw, rows, before = zlib.decompress(packed), [], bytes(width * step)
    for y in range(height):
        start = y * (width * step + 1)
        method, line = raw[start], bytearray(raw[start + 1 : start + 1 + width * step])
        for x in range(len(line)):
            left = line[x - step] if x >= step else 0
            up, corner = before[x], before[x - step] if x >= step else 0
            nearest = min((left, up, corner), key=lambda c: abs(left + up - corner - c))
            line[x] = (line[x] + (0, left, up, (left + up) // 2, nearest)[method]) & 255
        rows.append([tuple(line[x : x + 3]) for x in range(0, len(line), step)])
        before = bytes(line)
    return width, height, rows


@unittest.skipUnless(CHROMIUM, "chromium is not installed: apt-get install chromium")
class Browser(unittest.TestCase):
    """In headless Chromium. Not among the packages of setup, since it is 300 MB."""

    @classmethod
    def setUpClass(cls):
        cls.page = OUT / "browser.html"
        report(SMALL / "out", "--page", cls.page)

    def browse(self, *arguments):
        return subprocess.run(
            [
                CHROMIUM,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={OUT / 'profile'}",
                *arguments,
                f"file://{self.page}",
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )

    def screen(self, scheme):
        image = OUT / f"{scheme}.png"
        dark = {"dark": "0", "light": "1"}[scheme]
        self.browse(
            f"--blink-settings=preferredColorScheme={dark}",
            "--window-size=1000,700",
            f"--screenshot={image}",
        )
        return pixels(image)

    def test_light_and_dark(self):
        for scheme, paper in (("light", (255, 255, 255)), ("dark", (18, 23, 29))):
            with self.subTest(scheme):
                width, height, rows = self.screen(scheme)
                self.assertEqual(rows[height - 1][0], paper)
                self.assertGreater(len({colour for row in rows for colour in row}), 20)

    def test_a_browser_reads_what_the_other_tests_read(self):
        seen, wanted = Page(self.browse("--dump-dom").stdout), Page(self.page.read_text())
        self.assertEqual((seen.text.split(), seen.tags), (wanted.text.split(), wanted.tags))

    def test_on_paper(self):
        paper = OUT / "page.pdf"
        self.browse(f"--print-to-pdf={paper}")
        self.assertEqual(paper.read_bytes()[:5], b"%PDF-")
        self.assertGreater(paper.stat().st_size, 10000)


if __name__ == "__main__":
    unittest.main()
