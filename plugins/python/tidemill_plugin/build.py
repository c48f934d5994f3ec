"""From a module to a component: finds out what it exports, and calls componentize-py."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .errors import Failure, explain
from .export import operators_of

_SDK = Path(__file__).resolve().parent
_CLASSES = {
    "transform": "Transform",
    "reduce": "Reduce",
    "inverse": "Inverse",
    "aggregate": "Aggregate",
    "update-state": "UpdateState",
    "migrate-state": "MigrateState",
    "cogroup": "Cogroup",
}


def build(source: Path, output: Path, wit: Path | None = None, paths: list[Path] = []) -> None:
    """Builds the module `source` to the component `output`.

    `wit` is the folder of the contract, which stands beside this package where nothing is said; `paths` are more
    folders to import from.
    """
    source = source.resolve()
    if not source.is_file():
        raise Failure(f"{source} isn't there; name the module that holds the plugin")
    folders = [source.parent, *paths]
    interfaces = _interfaces(source, folders)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copytree(wit or _find_wit(), work / "wit")
        exports = "".join(f"  export {interface};\n" for interface in interfaces)
        world = f"package tidemill:plugin@0.1.0;\n\nworld plugin {{\n  import host;\n{exports}}}\n"
        (work / "wit" / "plugin.wit").write_text(world)
        classes = ", ".join(_CLASSES[interface] for interface in interfaces)
        app = f"import {source.stem}\nfrom tidemill_plugin.guest import {classes}, install\n\ninstall({source.stem})\n"
        (work / "app").mkdir()
        (work / "app" / "tidemill_app.py").write_text(app)
        built = work / "plugin.wasm"
        command = [_componentize(), "-d", work / "wit", "-w", "plugin", "componentize", "tidemill_app", "-o", built]
        for path in [work / "app", *folders, _SDK.parent]:
            command += ["-p", path]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=work)
        if done.returncode != 0:
            raise Failure(f"componentize-py failed:\n{done.stdout}{done.stderr}".rstrip())
        output.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: a host may be watching.
        aside = output.with_name(f".{output.name}.new")
        shutil.copyfile(built, aside)
        os.replace(aside, output)


def _interfaces(source: Path, folders: list[Path]) -> list[str]:
    sys.path[:0] = map(str, folders)
    sys.dont_write_bytecode = True
    try:
        module = importlib.import_module(source.stem)
    except Exception as error:
        raise Failure(f"{source.name} can't be imported: {explain(error)}") from error
    return list(operators_of(module))


def _find_wit() -> Path:
    for folder in (_SDK / "wit", _SDK.parents[2] / "wit"):
        if (folder / "worlds.wit").is_file():
            return folder
    raise Failure("the contract isn't beside this package; give its folder with --wit")


def _componentize() -> str:
    beside = Path(sys.executable).parent / "componentize-py"
    found = str(beside) if beside.exists() else shutil.which("componentize-py")
    if not found:
        raise Failure("componentize-py isn't here; install it with `pip install componentize-py`")
    return found
