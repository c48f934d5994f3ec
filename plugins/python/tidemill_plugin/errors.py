"""What goes wrong in a plugin: rows it refuses, calls that fail, and how an exception is told in one line."""

from __future__ import annotations

import os
import traceback

_SDK = os.path.dirname(os.path.abspath(__file__))


class Reject(Exception):
    """Refuses the row that the function looks at, with the reason for whoever reads the dead letters.

    Of an operator on keys it fails the key, whose rows of the batch go to the dead letters. What was put out for the
    row is taken back.

        raise Reject("no amount")
    """


class Failure(Exception):
    """Fails the call, or refuses config and columns. Its text is told as it is, without a line.

    Any other exception fails the call as well, and is told with its line.
    """


def explain(error: BaseException, home: str | None = None) -> str:
    """An exception as one line: its type and message, and the innermost line of the plugin's own code.

    `home` is the folder of that code; without it, the innermost line of all counts.
    """
    if isinstance(error, (Failure, Reject)):
        return str(error)
    text = "".join(traceback.format_exception_only(type(error), error)).strip()
    if isinstance(error, ModuleNotFoundError):
        text += "; import it at the top of the plugin: a component has what is imported when it is built"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if os.path.dirname(os.path.abspath(frame.filename)) != _SDK]
    near = [frame for frame in own if home is None or frame.filename.startswith(home)]
    for frame in reversed(near or own):
        return f"{text} ({os.path.basename(frame.filename)}:{frame.lineno}, in {frame.name})"
    return text
