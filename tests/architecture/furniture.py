"""The rules of a room's furniture, as functions of a source tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

LAYERS = ("foundation", "city", "modules", "interfaces")

PUBLIC_MODULES = {"api", "contracts"}
"""What a room may import of another, besides what ``PUBLISHED`` adds."""

PUBLISHED = {
    "accounts": {"access"},
    "database": {"connection", "embedded", "migrations_ops", "models"},
    "files": {"reading", "writing"},
    "series": {"write_sql"},
    "web": {"templatetags"},
}
"""Modules that a room's README publishes beside its ``api``, and why:

``accounts.access`` are decorators that belong on the view; ``database.connection`` is read by
settings before Django exists; ``database.embedded`` is a server that a measure starts for itself;
``migrations_ops`` and ``models`` are used by migrations and models
alone; ``files`` is plain Python cut by subject; ``series.write_sql`` is what the ingest server
sends without Django.
"""

VAGUE_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "manager",
    "managers",
    "misc",
    "common",
    "stuff",
}

LONGEST_FILE = 500


def room_of(module: str) -> tuple[str, str] | None:
    """Return (layer, room) of a module in a layer that has rooms, or None."""
    parts = module.split(".")
    if len(parts) >= 3 and parts[0] == "beffroi" and parts[1] in LAYERS:
        return parts[1], parts[2]
    return None


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Give the modules a file imports, ``from a import b`` as ``a.b``, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                yield f"{node.module}.{name.name}", node.lineno


def module_name(path: Path, *, tree: Path) -> str:
    """Return the dotted name of a file below the tree that holds ``beffroi``."""
    return ".".join(path.relative_to(tree).with_suffix("").parts)


def prying_imports(tree: Path) -> list[str]:
    """Return the imports of another room's inside."""
    found: list[str] = []
    for path in sorted((tree / "beffroi").rglob("*.py")):
        own = module_name(path, tree=tree)
        if "migrations" in path.parts or "tests" in path.parts or path.name == "testing.py":
            continue
        for imported, line in imports_of(path):
            other = room_of(imported)
            if other is None or other == room_of(own) or own.startswith("beffroi.site"):
                continue
            parts = imported.split(".")
            inside = parts[3] if len(parts) > 3 else ""
            allowed = PUBLIC_MODULES | PUBLISHED.get(other[1], set())
            models_to_models = inside == "models" and path.name == "models.py"
            if inside and inside not in allowed and not models_to_models:
                found.append(f"{own}:{line} imports {imported}")
    return found


def queries_in_pages(tree: Path) -> list[str]:
    """Return the places where a page reaches tables itself instead of its room's ``api``."""
    found: list[str] = []
    for path in sorted((tree / "beffroi").rglob("web/*.py")):
        own = module_name(path, tree=tree)
        if room_of(own) is None or "tests" in path.parts or room_of(own) == ("foundation", "web"):
            continue
        for imported, line in imports_of(path):
            parts = imported.split(".")
            if imported.startswith("beffroi.") and "models" in parts[3:]:
                found.append(f"{own}:{line} imports {imported}")
            if imported == "django.db.connection":
                found.append(f"{own}:{line} imports {imported}")
    return found


def misnamed_files(tree: Path) -> list[str]:
    """Return the files that are not named for a subject."""
    return [
        str(path.relative_to(tree))
        for path in sorted((tree / "beffroi").rglob("*.py"))
        if path.stem in VAGUE_NAMES
    ]


def overlong_files(
    tree: Path, *, patterns: tuple[str, ...] = ("*.py", "*.ts", "*.html")
) -> list[str]:
    """Return the files that hold more than one subject's worth of lines."""
    found: list[str] = []
    for pattern in patterns:
        for path in sorted(tree.rglob(pattern)):
            if {"node_modules", "built"} & set(path.parts):
                continue
            with path.open(encoding="utf-8") as stream:
                count = sum(1 for _ in stream)
            if count > LONGEST_FILE:
                found.append(f"{path.relative_to(tree)} has {count} lines")
    return found


def rooms_without_readme(tree: Path) -> list[str]:
    """Return the rooms that do not say what they are for."""
    return [
        str(room.relative_to(tree))
        for layer in LAYERS
        for room in sorted((tree / "beffroi" / layer).iterdir())
        if (room / "__init__.py").exists() and not (room / "README.md").exists()
    ]


def apis_without_all(tree: Path) -> list[str]:
    """Return the public surfaces that do not list what is public."""
    found: list[str] = []
    for path in sorted((tree / "beffroi").rglob("api.py")):
        names = [
            target.id
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        ]
        if "__all__" not in names:
            found.append(str(path.relative_to(tree)))
    return found


_SILENCED = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?!.*(?: - |  # )\w)")


def silences_without_reason(tree: Path) -> list[str]:
    """Return the places where a checker is silenced and no reason stands beside it."""
    return [
        f"{path.relative_to(tree)}:{number}"
        for path in sorted((tree / "beffroi").rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if _SILENCED.search(line)
    ]
