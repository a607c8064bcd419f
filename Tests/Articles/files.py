"""Looks up the files that a document names in code, and the names that its tables say stand in them.

A path from the top of the repository must be that of a file or folder; a file's name alone that of a file in it
somewhere. In a table with a column Where, what stands in code in the first column occurs in one of the files of that
column. In a table with a column Folders, that column names all folders of the target in the first, and the first all
targets.
"""
import pathlib
import re
import subprocess

import names

ENDINGS = "swift|h|c|py|mk|sh|md|txt"
ROOTED = re.compile(r"^(?:Sources|Tests|Benchmarks|\.ci)(?:/[\w.+-]+)*/?$")
NAME = re.compile(rf"^[\w+-]+\.(?:{ENDINGS})$")
OTHERS = re.compile(r"^Sources/App\b|^Package\.swift$|^App\.swift$")  # Of the reader's own package.


def is_path(code):
    return bool((ROOTED.match(code) or NAME.match(code)) and not OTHERS.match(code))


def tracked(root):
    """The files of a checkout, those that are new included, by their paths from its top."""
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=root, check=True,
                             capture_output=True, text=True).stdout
    return {path for path in listing.split("\n") if path and (pathlib.Path(root) / path).exists()}


def found(code, paths):
    """The files that a path, a folder or a name stands for."""
    if ROOTED.match(code):
        place = code.rstrip("/")
        return [path for path in paths if path == place or path.startswith(place + "/")]
    return [path for path in paths if path.rpartition("/")[2] == code]


def tables(text):
    """The tables of a document: pairs of the names of columns and the rows below them, each with its line."""
    result, head = [], None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.startswith("|"):
            head = None
            continue
        row = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if head is None:
            head = row
            result.append((head, []))
        elif len(row) == len(head) and not set(row[0]) <= set("-: "):
            result[-1][1].append((number, row))
    return result


def wrong(text, paths, read):
    """What a document names that there is not: pairs of a line and words. `read` gives the text of a file."""
    for number, code in names.pieces(text):
        if is_path(code) and not found(code, paths):
            yield number, f"expected a file, got {code}"
    for head, rows in tables(text):
        if "Where" in head[1:]:
            yield from wrong_places(rows, head.index("Where"), paths, read)
        if "Folders" in head[1:]:
            yield from wrong_folders(rows, head.index("Folders"), paths)


def wrong_places(rows, where, paths, read):
    for number, row in rows:
        places = [path for code in names.CODE.findall(row[where]) if is_path(code) for path in found(code, paths)]
        written = "\n".join(read(path) for path in places)
        for name in names.CODE.findall(row[0]):
            if not re.search(rf"\b{re.escape(name)}\b", written):
                yield number, f"expected {name} in {row[where]}, got none"


def wrong_folders(rows, column, paths):
    targets, told = {path.split("/")[1] for path in paths if path.startswith("Sources/") and path.count("/") > 1}, set()
    for number, row in rows:
        for target in names.CODE.findall(row[0]):
            told.add(target)
            below = [path.partition(f"/{target}/")[2] for path in found_target(target, paths)]
            wanted = {path.split("/")[0] for path in below if "/" in path and ".docc/" not in path}
            named = {folder.rstrip("/") for folder in names.CODE.findall(row[column])}
            if wanted != named:
                yield number, f"expected {', '.join(sorted(wanted)) or 'no folders'} in {target}, got {row[column]}"
    if rows:
        for target in sorted(targets - told):
            yield rows[-1][0], f"expected a row for {target}, got none"


def found_target(target, paths):
    return [path for path in paths if re.match(rf"(Sources|Benchmarks)/{re.escape(target)}/", path)]
