"""Makes phonenumbers' place names small, when the layer is built: `python places.py FOLDER_OF_PHONENUMBERS`.

As they come they are 19 MB of Python in every language, which take seconds to compile and 80 MB of memory to hold.
Switchboard asks for the English ones only. They become one text file, a line a place: its name, then its prefixes.
"""

import sys
from collections import defaultdict
from importlib import import_module
from pathlib import Path

LOADER = '''"""English place names by prefix, from places.txt; made when Switchboard's layer was built."""

from pathlib import Path

GEOCODE_LONGEST_PREFIX = {longest}
GEOCODE_DATA = {{}}
for line in Path(__file__).with_name("places.txt").read_text("utf-8").splitlines():
    name, prefixes = line.split("\\t")
    GEOCODE_DATA.update(dict.fromkeys(prefixes.split(" "), {{"en": name}}))
'''


def make_small(phonenumbers: Path) -> None:
    """Replaces the modules of the folder `geodata` by a text file and the module that reads it."""
    sys.path.insert(0, str(phonenumbers.parent))
    sys.dont_write_bytecode = True
    geodata = import_module("phonenumbers.geodata")
    prefixes = defaultdict(list)
    for prefix, names in geodata.GEOCODE_DATA.items():
        if "en" in names:
            prefixes[names["en"]].append(prefix)
    lines = [f"{name}\t{' '.join(found)}\n" for name, found in prefixes.items()]

    folder = phonenumbers / "geodata"
    for module in folder.glob("data*.py"):
        module.unlink()
    (folder / "places.txt").write_text("".join(lines), "utf-8")
    (folder / "__init__.py").write_text(LOADER.format(longest=geodata.GEOCODE_LONGEST_PREFIX), "utf-8")


if __name__ == "__main__":
    make_small(Path(sys.argv[1]))
