"""Which modules of a package a module imports, directly or not."""

import ast
import collections.abc
import os


def closure(module: str, package: str) -> list[str]:
    """The files of `module` and of all modules in the folder `package` that it imports, at its top
    or within functions, sorted. Both are absolute paths. Imports from outside of the package do not
    count."""
    found = {module}
    queue = [module]
    while queue:
        for path in _imports(queue.pop(), package):
            if path not in found:
                found.add(path)
                queue.append(path)
    return sorted(found)


def _imports(module: str, package: str) -> collections.abc.Iterator[str]:
    with open(module, "rb") as stream:
        tree = ast.parse(stream.read(), module)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = _folder(node, module, package)
            if base is not None:
                yield from _files(base, package)
                for alias in node.names:
                    yield from _files(os.path.join(base, alias.name), package)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                first, *rest = alias.name.split(".")
                if first == os.path.basename(package):
                    yield from _files(os.path.join(package, *rest), package)


def _folder(node: ast.ImportFrom, module: str, package: str) -> str | None:
    """The path, without suffix, of what the statement imports from; None outside of the package."""
    names = node.module.split(".") if node.module else []
    if node.level:
        base = module
        for _ in range(node.level):
            base = os.path.dirname(base)
        return os.path.join(base, *names)
    if names[0] == os.path.basename(package):
        return os.path.join(package, *names[1:])
    return None


def _files(path: str, package: str) -> collections.abc.Iterator[str]:
    """The files that importing `path` (without suffix) runs: the module, and the __init__.py of
    each package around it."""
    candidates = [path + ".py", os.path.join(path, "__init__.py")]
    while len(path) > len(package):
        path = os.path.dirname(path)
        candidates.append(os.path.join(path, "__init__.py"))
    yield from filter(os.path.isfile, candidates)
