"""`python -m tidemill_plugin plugin.py -o plugin.wasm`: builds a plugin."""

import argparse
import sys
from pathlib import Path

from .build import build
from .errors import Failure

parser = argparse.ArgumentParser(prog="python -m tidemill_plugin", description="Build a Tidemill plugin from a Python module.")
parser.add_argument("source", type=Path, help="the module that holds the plugin")
parser.add_argument("-o", "--output", type=Path, required=True, help="the component to write")
parser.add_argument("--wit", type=Path, help="the folder of the contract [default: beside this package]")
parser.add_argument("-p", "--path", type=Path, action="append", default=[], help="another folder to import from")
arguments = parser.parse_args()
try:
    build(arguments.source, arguments.output, arguments.wit, [path.resolve() for path in arguments.path])
except Failure as failure:
    print(failure, file=sys.stderr)
    sys.exit(1)
