#!/usr/bin/env python3
"""Compares the public names of the library with those that an earlier commit had.

    public_names.py MODULES             checks the tables of the article against compiled modules, and names that went
    public_names.py --commit COMMIT     prints the public names of a commit, for the list beside this file

A name that an earlier program may use does not go without a row in the article that says what stands for it.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARTICLE = ROOT / "Sources/Recurra/Recurra.docc/Articles/ComingFromAnEarlierCommit.md"
COMMIT = "cb45a65"
EARLIER = pathlib.Path(__file__).with_name(f"public_names_{COMMIT}.txt")
MODULES = ["RecurraTensor", "RecurraCells", "RecurraLayers", "RecurraTraining", "Recurra"]
ROW = re.compile(r"^\| (`[^|]+`) \| ([^|]+) \|", re.M)
CODE = re.compile(r"`([^`]+)`")
ALIAS = re.compile(r"(?:public )?typealias (\w+) = (\w+)<")
TAKEN_OUT = "taken out"
SAME_NAMES = "## Same name, another type"


def is_ours(symbol):
    """Leaves out what types have from protocols of Swift's library."""
    return "Recurra" in symbol["identifier"]["precise"].partition("::SYNTHESIZED::")[0]


def names(modules, tree=ROOT):
    """The public names in compiled modules, those that types have from our protocols included."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([ROOT / ".ci/symbols", modules, folder, tree], check=True)
        graphs = [json.loads(path.read_text(encoding="utf-8")) for path in pathlib.Path(folder).glob("*.json")]
    symbols = [symbol for graph in graphs for symbol in graph["symbols"] if is_ours(symbol)]
    found = {".".join(symbol["pathComponents"]) for symbol in symbols}
    return found | members_of_aliases(symbols, found)


def members_of_aliases(symbols, found):
    """The members of a type under the names that the type has besides."""
    result = set()
    for symbol in symbols:
        declaration = "".join(fragment["spelling"] for fragment in symbol.get("declarationFragments", []))
        alias = ALIAS.match(declaration)
        if alias:
            of = alias[2] + "."
            result |= {f"{alias[1]}.{name.removeprefix(of)}" for name in found if name.startswith(of)}
    return result


def names_of_commit(commit):
    """The same for a commit, whose modules are written without compiling what functions do."""
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", tree], check=True, input=archive)
        flags = subprocess.run(["pkg-config", "--cflags-only-I", "openblas", "lapacke"], check=True,
                               capture_output=True, text=True).stdout.split()
        flags += ["-I", "Sources/CRecurraKernels/include", "-I", "Sources/CRecurraBLAS", "-I",
                  "Sources/CRecurraLAPACKE", "-I", "modules"]
        (tree / "modules").mkdir()
        for module in MODULES:
            sources = sorted((tree / "Sources" / module).rglob("*.swift"))
            subprocess.run(
                ["swiftc", "-emit-module", "-module-name", module, "-package-name", "recurra", "-swift-version", "6",
                 "-suppress-warnings", "-parse-as-library", "-Xfrontend",
                 "-experimental-skip-non-inlinable-function-bodies", "-enable-upcoming-feature",
                 "InternalImportsByDefault", "-enable-upcoming-feature", "MemberImportVisibility", *flags,
                 "-emit-module-path", f"modules/{module}.swiftmodule", *sources], cwd=tree, check=True)
        return names(tree / "modules", tree)


def base(name):
    return name.partition("(")[0]


def is_among(name, present):
    """Tells whether a name is there; … stands for further arguments."""
    begin, dots, end = name.partition("…")
    return name in present if not dots else any(
        other.startswith(begin) and other.endswith(end) and len(other) > len(name) for other in present)


def failures(article, earlier, present):
    """What is wrong with the tables of an article, in words; nothing when both columns are true and no name is missing.

    A name counts as gone when nothing of its base is left: a call that has got a further argument with a default is
    written as it was.
    """
    renamed, _, same = article.partition(SAME_NAMES)
    result, told = [], set()
    for old, new in ROW.findall(renamed):
        for name in CODE.findall(old):
            told.add(base(name))
            if name not in earlier:
                result.append(f"expected a public name of {COMMIT} in the first column, got {name}")
            if name in present:
                result.append(f"expected a name that has gone in the first column, got {name}")
        result += [f"expected a public name in the second column, got {name}"
                   for name in CODE.findall(new) if not is_among(name, present)]
        if not CODE.findall(new) and not new.startswith(TAKEN_OUT):
            result.append(f"expected a name or “{TAKEN_OUT}” beside {old}, got {new}")
    for old, _ in ROW.findall(same):
        result += [f"expected a name that was and is public, got {name}"
                   for name in CODE.findall(old) if name not in earlier or name not in present]
    bases = {base(name) for name in present}
    gone = {base(name) for name in earlier} - bases - told
    # Members go with their type.
    result += [f"expected a row for {name}, which {COMMIT} had, got none" for name in sorted(gone)
               if not any(owner in told for owner in owners(name))]
    return result


def owners(name):
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="?", help="the folder of compiled modules")
    parser.add_argument("--commit", help="the commit whose names to print")
    options = parser.parse_args()
    if options.commit:
        print("\n".join(sorted(names_of_commit(options.commit))))
        return
    if not options.modules:
        parser.error("expected MODULES or --commit")
    present = names(options.modules)
    earlier = EARLIER.read_text(encoding="utf-8").split("\n")
    found = failures(ARTICLE.read_text(encoding="utf-8"), set(filter(None, earlier)), present)
    for failure in found:
        print(f"public_names: {ARTICLE.name}: {failure}", file=sys.stderr)
    if found:
        sys.exit(1)
    print(f"public_names: {len(present)} names; what {COMMIT} had is there or in the article")


if __name__ == "__main__":
    main()
