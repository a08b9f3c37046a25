"""Runs in the peers' environment: unsloth's standardize_sharegpt, then TRL, over each case.

unsloth wants a GPU when it is imported, so that the one function is taken out of its source.
"""

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import ask_trl_rows
from dry_run_cases import judge_cases

SOURCE = Path(find_spec("unsloth_zoo").submodule_search_locations[0]) / "dataset_utils.py"
WANTED = {"standardize_data_formats", "_normalize_role_alias", "_ROLE_KEY_NAMES"}


def _names(node: ast.stmt) -> set[str]:
    """What a statement defines."""
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _taken_out() -> Any:
    """`standardize_data_formats` as it stands in the source, its number of processes aside."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    text = "\n".join(ast.unparse(node) for node in tree.body if _names(node) & WANTED)
    text = text.replace("from .dataset_num_proc import get_dataset_num_proc", "get_dataset_num_proc = lambda given: 1")
    scope: dict[str, Any] = {}
    exec("from typing import *\nfrom datasets import Dataset, IterableDataset\n" + text, scope)
    return scope["standardize_data_formats"]


standardize = _taken_out()


def judge(rows: list[dict[str, Any]], kind: str, place: Path) -> tuple[str, str]:
    data = standardize(ask_trl_rows.load_rows(rows, place))
    if "conversations" in data.column_names:  # as the notebooks do: templates want them as messages
        data = data.rename_column("conversations", "messages")
    return ask_trl_rows.verdict_on(ask_trl_rows.prepare(data, kind, place), len(rows))


judge_cases(judge)
