"""Single changes of Python code: each turns one decision of a module into its neighbour."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}


@dataclass(frozen=True)
class Change:
    """One change of one file: its number among the changes of that file, the line (from 1), what it
    does, whether the line is run when the module is loaded, and by what it is known while other
    lines come and go: the class and function around it, the line's text, and how many changes of
    the same place, text and kind stand before it.
    """

    path: str
    number: int
    line: int
    what: str
    at_load: bool
    where: str
    text: str
    nth: int

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What names this change in a list that is kept."""
        return self.path, self.where, self.text, self.what, self.nth

    def drawn(self, seed: int) -> str:
        """Return its place in the order of a seed, 64 hexadecimal digits: the first so many are the
        sample, which stays the same but for the lines that were edited.
        """
        return hashlib.sha256(repr((seed, self.key)).encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}: {self.text}"


class _Changer(ast.NodeTransformer):
    """Walk a module in a fixed order; make the change with the number wanted, count all of them."""

    def __init__(self, wanted: int | None = None) -> None:
        self.wanted, self.found = wanted, list[tuple[int, str, bool, str]]()
        self.depth, self.scope = 0, list[str]()

    def _turn(self, node: ast.AST, what: str, change: Callable[[], ast.AST]) -> ast.AST:
        number = len(self.found)
        where = ".".join(self.scope)
        self.found.append((getattr(node, "lineno", 0), what, not self.depth, where))
        return change() if number == self.wanted else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        out: ast.AST = node
        for n, op in enumerate(node.ops):
            other = _COMPARISONS[type(op)]
            ops = [*node.ops[:n], other(), *node.ops[n + 1 :]]
            made = ast.Compare(node.left, ops, node.comparators)
            what = f"{type(op).__name__} for {other.__name__}"
            turned = self._turn(node, what, lambda made=made: ast.copy_location(made, node))  # type: ignore[misc]
            out = turned if turned is not node else out
        return out

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        what = f"{type(node.op).__name__.lower()} for {type(other).__name__.lower()}"
        made = ast.BoolOp(other, node.values)
        return self._turn(node, what, lambda: ast.copy_location(made, node))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Not):
            return node
        return self._turn(node, "not left out", lambda: node.operand)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        other = _ARITHMETIC.get(type(node.op))
        if other is None or _of_types(node):
            return node
        made = ast.BinOp(node.left, other(), node.right)
        what = f"{type(node.op).__name__} for {other.__name__}"
        return self._turn(node, what, lambda: ast.copy_location(made, node))

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, bool):
            made: ast.Constant = ast.Constant(not node.value)
        elif isinstance(node.value, int):
            made = ast.Constant(node.value + 1)
        else:
            return node
        what = f"{made.value} in place of {node.value}"
        return self._turn(node, what, lambda: ast.copy_location(made, node))

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        # What the refusal says is words; that it refuses is the decision.
        return self._turn(node, "the refusal does nothing", lambda: _nothing(node))

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        if node.value is None or (
            isinstance(node.value, ast.Constant) and node.value.value is None
        ):
            return node
        made = ast.Return(ast.Constant(None))
        return self._turn(node, "None returned", lambda: ast.copy_location(made, node))

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Constant):
            return node
        self.generic_visit(node)
        return self._turn(node, "the call is left out", lambda: _nothing(node))

    def visit_If(self, node: ast.If) -> ast.AST:
        if "TYPE_CHECKING" in ast.unparse(node.test):
            return node
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if any("overload" in ast.unparse(d) for d in node.decorator_list) or node.name in {
            "__str__",
            "__repr__",
            "_html",
        }:
            return node  # words for a reader; the tests of what is shown are others
        node.args.defaults = [self.visit(d) for d in node.args.defaults]
        node.args.kw_defaults = [d and self.visit(d) for d in node.args.kw_defaults]
        self.depth += 1
        self.scope.append(node.name)
        node.body = [self.visit(statement) for statement in node.body]
        self.scope.pop()
        self.depth -= 1
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.scope.append(node.name)
        self.generic_visit(node)
        self.scope.pop()
        return node


def _of_types(node: ast.BinOp) -> bool:
    """Whether it is the union of two types, or a text put together: neither is arithmetic."""
    ends = (node.left, node.right)
    texts = (ast.JoinedStr, ast.List, ast.Tuple)
    if any(
        isinstance(e, texts) or (isinstance(e, ast.Constant) and isinstance(e.value, str))
        for e in ends
    ):
        return True
    return any(isinstance(e, ast.Constant) and e.value is None for e in ends)


def _nothing(node: ast.stmt) -> ast.stmt:
    return ast.copy_location(ast.Pass(), node)


def changes(path: Path, root: Path) -> Iterator[Change]:
    """Yield every single change of a module, in the order of the code."""
    source = path.read_text(encoding="utf-8")
    walker, lines, seen = _Changer(), source.splitlines(), Counter[tuple[str, str, str]]()
    walker.visit(ast.parse(source))
    name = path.relative_to(root).as_posix()
    for number, (line, what, at_load, where) in enumerate(walker.found):
        text = lines[line - 1].strip()
        nth = seen[where, text, what]
        seen[where, text, what] += 1
        yield Change(name, number, line, what, at_load, where, text, nth)


def changed(path: Path, number: int) -> str:
    """Return a module's text with one change made; comments and layout are lost."""
    return ast.unparse(_tree(path, number)) + "\n"


def compiled(path: Path, number: int) -> CodeType:
    """Return a module with one change made, -1 for none, compiled; its lines keep their numbers."""
    return compile(_tree(path, number), str(path), "exec", dont_inherit=True)


def _tree(path: Path, number: int) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: ast.Module = ast.fix_missing_locations(_Changer(number).visit(tree))
    return found
