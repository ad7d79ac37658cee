"""A class has a name of its own: who reads or searches for it is not led to another one."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("cpar_plugin", "fhir_mappings", "hooks", "host_kit", "oscar_host")


def test_no_two_classes_have_the_same_name() -> None:
    modules: dict[str, set[str]] = defaultdict(set)
    for package in PACKAGES:
        for path in (ROOT / package).resolve().rglob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    modules[node.name].add(str(path.resolve().relative_to(ROOT)))
    assert len(modules) > 300
    assert {name: sorted(paths) for name, paths in modules.items() if len(paths) > 1} == {}
