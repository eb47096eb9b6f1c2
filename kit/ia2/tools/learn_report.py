"""The command line of `learn`: logs of permissive runs in, lines for compartments.toml out."""

import argparse
import json
import sys
import tomllib

from ..base import atomic
from ..base.failure import Failure, exit_status
from ..policy import policy_edit
from . import learn

NO_LINE = 3
SHOWN = 4  # reasons of a line


def additions(suggestions: list[learn.Suggestion]) -> dict[tuple[str, ...], dict]:
    made: dict[tuple[str, ...], dict] = {}
    for it in suggestions:
        if not it.table:
            continue
        entries = made.setdefault(it.table, {})
        entries[it.key] = (
            [*entries.get(it.key, []), *it.value] if isinstance(it.value, list) else it.value
        )
    return made


def fragment(suggestions: list[learn.Suggestion]) -> str:
    """The lines, ready to be pasted. Of a list only what is new."""
    text: list[str] = []
    for table, entries in additions(suggestions).items():
        text += ["", f"[{'.'.join(table)}]"]
        text += [
            f"{policy_edit.key(name)} = {policy_edit.value(new)}" for name, new in entries.items()
        ]
    return "".join(f"{line}\n" for line in text)


def why(suggestions: list[learn.Suggestion]) -> str:
    """The reasons of each line, as comments: the most frequent, and how many more there are."""
    text: list[str] = []
    for it in suggestions:
        if not it.table:
            continue
        what = f"[{'.'.join(it.table)}] {policy_edit.key(it.key)} = {policy_edit.value(it.value)}"
        text += [
            f"# {what}" + (f": {it.opens}" if it.opens else ""),
            *(f"#   {reason}" for reason in it.reasons[:SHOWN]),
        ]
        if it.reasons[SHOWN:]:
            text.append(f"#   and {len(it.reasons) - SHOWN} more, which --json prints")
    return "\n# Why:\n" + "".join(f"{line}\n" for line in text) if text else ""


def read_policy(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        tomllib.loads(text)
    except OSError as error:
        raise Failure(
            f"cannot be read: {error.strerror}", path, "name a compartments.toml"
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Failure(f"is not TOML: {error}", path, "name a compartments.toml") from None
    return text


def report(options: argparse.Namespace) -> int:
    learner = learn.Learner(options.logs)
    suggestions = learner.suggestions()
    by_hand = [it for it in suggestions if not it.table]
    if options.json:
        print(
            json.dumps(
                [
                    {
                        "table": ".".join(it.table) or None,
                        "key": it.key or None,
                        "value": it.value,
                        "opens": it.opens or None,
                        "reasons": it.reasons,
                    }
                    for it in suggestions
                ],
                indent=1,
            )
        )
    else:
        total = sum(violation.get("count", 1) for violation in learner.violations)
        print(
            f"# Of {learn.times(len(options.logs)).replace('once', 'one')} permissive"
            f" run{'s' * (len(options.logs) > 1)}, in which nothing was enforced:"
            f" {total} violations.".replace(" times", "")
        )
        print(fragment(suggestions), end="")
        for it in by_hand:
            print("".join(f"\n# BY HAND: {reason}" for reason in it.reasons))
        print(why(suggestions), end="")
        opened = sum(bool(violation.get("opened")) for violation in learner.violations)
        if opened:
            print(
                f"\n# {opened} place{'s' * (opened > 1)} had so many violations that the pages were"
                " opened, so other accesses there\n# are missing. Add the lines, build with"
                " --permissive, and run again."
            )
    if options.write:
        text = read_policy(options.policy)
        atomic.write_text(
            options.write, policy_edit.edited(text, additions(suggestions), options.policy)
        )
    for reason in learner.cut_short:
        print(f"warning: {reason}", file=sys.stderr)
    return NO_LINE if by_hand or learner.cut_short else 0


def main(description: str) -> int:
    parser = argparse.ArgumentParser(
        description=description,
        epilog=(
            "Exit status: 0 every violation has a line (or there is none), "
            f"{NO_LINE} some have none, or a run was cut short, "
            "1 a log or the policy cannot be used, 2 wrong usage."
        ),
    )
    parser.add_argument(
        "logs",
        metavar="LOG",
        nargs="+",
        help="PROGRAM.violations.json, as a program built with --permissive writes it",
    )
    parser.add_argument(
        "--policy", metavar="FILE", help="with --write: the policy that the program was built with"
    )
    parser.add_argument(
        "--write",
        metavar="FILE",
        help="write the policy with the lines added; it may be the same file",
    )
    parser.add_argument("--json", action="store_true", help="print the suggestions as JSON")
    options = parser.parse_args()
    if bool(options.policy) != bool(options.write):
        parser.error("--policy and --write go together")
    return exit_status(lambda: report(options))
