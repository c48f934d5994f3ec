"""What the standard library imports only when it is used. A component has the modules that were imported when it was
built, and no others; so these are imported then, whether or not the plugin comes to use them.
"""

import _strptime  # noqa: F401  by `datetime.strptime`
import encodings
import importlib
import stringprep  # noqa: F401  by the codec `idna`
import zoneinfo  # noqa: F401  by `datetime.astimezone`

#: Those that text is likely to come in. The others can be imported by the plugin, as `encodings.NAME`.
CODECS = [
    "ascii", "base64_codec", "charmap", "cp1250", "cp1251", "cp1252", "cp437", "cp850", "hex_codec", "idna", "iso8859_1",
    "iso8859_15", "iso8859_2", "koi8_r", "latin_1", "punycode", "raw_unicode_escape", "unicode_escape", "utf_16",
    "utf_16_be", "utf_16_le", "utf_32", "utf_7", "utf_8", "utf_8_sig",
]

for codec in CODECS:
    importlib.import_module(f"{encodings.__name__}.{codec}")
