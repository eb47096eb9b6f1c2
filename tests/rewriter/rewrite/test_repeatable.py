"""The rewriter's output is the same whatever the order of the commands and the number of CPUs."""

import json
import os
import pathlib
import random
import tempfile
import unittest

from tests.support import rewriter_case

FOLDER = pathlib.Path(__file__).resolve().parent


class Repeatable(unittest.TestCase):
    def output(self, run, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        return run.contents()

    def test_order_of_commands_and_number_of_cpus(self):
        """The compile database in another order, one CPU or all: the same bytes."""
        chance = random.Random(1)
        every = os.sched_getaffinity(0)
        for case in (
            "three_compartments",
            "locals_by_flow_of_addresses",
            "same_name_twice",
            "variadic_calls",
            "compiled_twice",
        ):
            with self.subTest(case), tempfile.TemporaryDirectory() as folder:
                run = rewriter_case.Run(
                    rewriter_case.Case(FOLDER / f"{case}.case"), os.path.realpath(folder)
                )
                first = self.output(run, run.rewrite())
                for round_number in range(4):
                    self.shuffle(run, chance)
                    os.sched_setaffinity(0, {min(every)} if round_number % 2 else every)
                    try:
                        again = self.output(run, run.rewrite())
                    finally:
                        os.sched_setaffinity(0, every)
                    self.assertEqual(again, first)

    def shuffle(self, run, chance):
        commands = json.loads((run.out / "compile_commands.json").read_text())
        plan = json.loads((run.out / "plan.json").read_text())
        order = list(range(len(commands)))
        chance.shuffle(order)
        (run.out / "compile_commands.json").write_text(
            json.dumps([commands[index] for index in order])
        )
        for unit in plan["units"]:
            unit["command"] = order.index(unit["command"])
        (run.out / "plan.json").write_text(json.dumps(plan))


if __name__ == "__main__":
    unittest.main()
