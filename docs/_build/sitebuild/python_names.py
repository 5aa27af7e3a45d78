"""One page for each public package: its names, from their docstrings. The names are those of
`__all__`, which a test lists.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import casnb
from sitebuild.markdown import anchor, code, contents, lines, md

#: What a public function returns and a reader then uses, though no name of a surface leads there.
ALSO = {"casnb.teach": ("casnb.teach.lab.Lab",)}


def packages() -> list[ModuleType]:
    """Return the packages that have a public surface, `casnb` first."""
    found = [casnb]
    for info in pkgutil.walk_packages(casnb.__path__, "casnb."):
        if info.ispkg and info.name.count(".") == 1:
            module = importlib.import_module(info.name)
            if getattr(module, "__all__", ()):
                found.append(module)
    return found


def homes(package: ModuleType) -> dict[str, str]:
    """Return the module that each public name of a package is written in."""
    tree = ast.parse(inspect.getsource(package))
    return {
        alias.asname: str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }


def _directive(kind: str, path: str, *options: str) -> list[str]:
    return ["", "```{eval-rst}", f".. auto{kind}:: {path}", *(f"   :{o}:" for o in options), "```"]


def entry(package: str, name: str, home: str) -> list[str]:
    """Return what documents one public name under the package that a reader imports it from."""
    value = getattr(importlib.import_module(package), name)
    if inspect.ismodule(value):
        return _directive("module", value.__name__, "members")
    if inspect.isclass(value):
        return _directive("class", f"{package}.{name}", "members")
    if inspect.isfunction(value):
        return _directive("function", f"{package}.{name}")
    return ["", "```{eval-rst}", f".. py:data:: {package}.{name}", "", *_comment(home, name), "```"]


def _comment(home: str, name: str) -> list[str]:
    """Return the `#:` lines above a constant."""
    from sphinx.pycode import ModuleAnalyzer

    found = ModuleAnalyzer.for_module(home).find_attr_docs()
    return [f"   {line}" for line in found.get(("", name), [])]


def python_pages() -> Iterator[tuple[str, str]]:
    """Yield path and Markdown of a page for each public package, and of the list of them.

    A name that more than one package exports is documented where it is met first.
    """
    seen: dict[tuple[str, str], str] = {}
    listed = []
    for package in packages():
        path, home = package.__name__, homes(package)
        doc = " ".join((inspect.getdoc(package) or "").split("\n\n")[0].split())
        body: list[str] = []
        same: list[str] = []
        for name in sorted(package.__all__, key=str.casefold):
            key = (home.get(name, path), name)
            if key in seen:
                first = seen[key]
                same.append(anchor(f"{first}.{name}", f"{first}.html#{first}.{name}"))
            else:
                seen[key] = path
                body += entry(path, name, home.get(name, path))
        for more in ALSO.get(path, ()):
            body += _directive("class", more, "members")
        if same:
            body += ["", f"Here too: {', '.join(same)}."]
        yield f"python/{path}.md", lines(f"# {code(path)}", "", md(doc), body)
        listed.append((path, f"- [{code(path)}]({path}.md): {md(doc)}"))
    words = (
        "The names that notebooks, documents and examples use. Whatever else is inside may move."
    )
    yield (
        "python/index.md",
        lines("# Python", "", words, "", [t for _, t in listed], contents(p for p, _ in listed)),
    )
