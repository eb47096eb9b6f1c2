"""build_and_run.py MODULE: builds a test module's programs in the working directory and runs its
tests there."""

import importlib.util
import pathlib
import sys
import unittest


def main(path: str) -> int:
    spec = importlib.util.spec_from_file_location(pathlib.Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    if hasattr(module, "build"):
        module.build(pathlib.Path.cwd())
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    return 0 if unittest.TextTestRunner().run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
