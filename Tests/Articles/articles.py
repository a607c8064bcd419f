#!/usr/bin/env python3
"""Compiles and runs every Swift block of the README and the articles, and compares what they print.

    articles.py [--peers PYTHON] [--tool PATH] [DOCUMENT ...]

Each program of a document is an executable of one package, which depends on this one by its path and is built in debug,
as SwiftPM does unless told otherwise. The programs of a document run in order in one empty folder, so that one may read
what another wrote; Python blocks are parsed, and with --peers run there too; with --tool ```sh blocks that begin with
`recur` run there too, and the commands and options that a document names are looked up. Only the standard library is
needed.
"""
import argparse
import ast
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import blocks
import files
import names
import prints
from programs import ROOT, WORK, build, write_if_changed

MARK = "\x1e"
SERVER = ROOT / "Tests/Serving/Sources/Serving/main.swift"  # `make test-serving` builds and runs it.
SECONDS = 120  # For one program, in debug, on a machine that does other things as well.


def is_server(program):
    return "import Hummingbird" in program.blocks[0].lines


class Document:
    """A document with its blocks and programs; the Swift ones have a target each."""

    def __init__(self, path):
        self.path = path.resolve()
        self.name = str(self.path.relative_to(ROOT))
        self.blocks = blocks.blocks(self.path.read_text(encoding="utf-8"))
        self.programs = blocks.programs(self.blocks, self.name)
        self.title = re.sub(r"\W", "", path.stem)
        self.folder = WORK / "run" / self.title

    def builds(self, program):
        """Tells whether a program is built here: all Swift but the server, which needs a web framework."""
        return program.language == "swift" and not is_server(program)

    def target(self, program):
        return f"{self.title}{self.programs.index(program) + 1}"


def documents(paths):
    given = [pathlib.Path(path) for path in paths]
    return [Document(path) for path in given or [
        ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "Benchmarks/RESULTS.md",
        *sorted((ROOT / "Sources/Recurra/Recurra.docc").rglob("*.md"))]]


def run(document, command, named):
    """Runs a command in the document's folder; returns what it printed and what went wrong, None if nothing did."""
    environment = {**os.environ, "SWIFT_BACKTRACE": "enable=no", "KERAS_BACKEND": "torch"}
    try:
        done = subprocess.run(command, cwd=document.folder, capture_output=True, text=True, timeout=SECONDS,
                              env=environment, errors="replace", check=False)
    except subprocess.TimeoutExpired:
        return "", f"{named}: expected an end within {SECONDS} seconds, got none"
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()  # Swift says first what is wrong, Python last.
        said = "\n    ".join(lines if len(lines) <= 6 else [*lines[:3], "…", *lines[-3:]])
        return done.stdout, f"{named}: expected exit code 0, got {done.returncode}\n    {said}"
    return done.stdout, None


def failures_of_program(document, program, command):
    named = f"{document.name}:{program.blocks[0].line}"
    printed, failure = run(document, command, named)
    result = [failure] if failure else []
    pieces = printed.split(MARK)
    for block, piece in zip((block for block in program.blocks if not block.is_cell), pieces):
        if block.prints is not None:
            difference = prints.difference(block.prints, piece.split("\n"))
            result += [f"{document.name}:{block.line}: {difference}"] if difference else []
    return result


def failures_of_tool(document, block, tool):
    """Runs a shell block of calls of the tool."""
    if not any(line.removeprefix("$ ").startswith("recur ") for line in block.lines):
        return []
    if block.language != "sh" or not block.lines[0].startswith("recur "):
        return [f"{document.name}:{block.line}: expected calls of recur in an sh block that begins with one"]
    if tool is None:
        return []
    printed, failure = run(
        document, ["sh", "-ec", f'recur() {{ "{tool}" "$@"; }}\n' + "\n".join(block.lines)],
        f"{document.name}:{block.line}")
    difference = None if failure or block.prints is None else prints.difference(block.prints, printed.split("\n"))
    return [failure] if failure else [f"{document.name}:{block.line}: {difference}"] if difference else []


def failures_of_manifest(document, block):
    folder = WORK / "manifests" / f"{document.title}{block.line}"
    write_if_changed(folder / "Package.swift", "\n".join(block.lines) + "\n")
    done = subprocess.run(["swift", "package", "--package-path", folder, "dump-package"], capture_output=True,
                          text=True, check=False)
    return [] if done.returncode == 0 else [f"{document.name}:{block.line}: {done.stderr.strip()}"]


def failures_of_names(document, tool):
    """Looks up the commands and options that a document names."""
    if tool is None:
        return []
    known = names.targets((ROOT / "Makefile").read_text(encoding="utf-8"))
    found = names.unknown(document.path.read_text(encoding="utf-8"), known, names.helper(tool))
    return [f"{document.name}:{line}: {words}" for line, words in found]


def failures_of_links(document):
    """Looks for the files that a document's relative links name."""
    text = document.path.read_text(encoding="utf-8")
    return [f"{document.name}: expected a file {target}, got none" for target in re.findall(r"\]\(([^):#]+)\)", text)
            if not (document.path.parent / target).exists()]


def failures_of_files(document, paths):
    """Looks for the files that a document names in code."""
    found = files.wrong(document.path.read_text(encoding="utf-8"), paths,
                        lambda path: (ROOT / path).read_text(encoding="utf-8"))
    return [f"{document.name}:{line}: {words}" for line, words in found]


def check_python(document, program):
    try:
        ast.parse(blocks.source(program, document.path, ""))
    except SyntaxError as error:
        return [f"{document.name}:{program.blocks[0].line}: Python: {error}"]
    return []


def check(document, executables, options):
    """Runs what a document holds, in the order in which it stands there."""
    shutil.rmtree(document.folder, ignore_errors=True)
    document.folder.mkdir(parents=True)
    started, failures = time.monotonic(), failures_of_links(document) + failures_of_names(document, options.tool)
    failures += failures_of_files(document, options.paths)
    steps = [(program.blocks[0].line, program) for program in document.programs]
    steps += [(block.line, block) for block in document.blocks
              if block.language in names.SHELLS or blocks.is_manifest(block)]
    for _, step in sorted(steps, key=lambda step: step[0]):
        if isinstance(step, blocks.Block):
            failures += failures_of_manifest(document, step) if blocks.is_manifest(step) else failures_of_tool(
                document, step, options.tool)
        elif is_server(step):
            if step.blocks[0].lines != SERVER.read_text(encoding="utf-8").splitlines():
                place = f"{document.name}:{step.blocks[0].line}"
                failures.append(f"{place}: expected the code of {SERVER.relative_to(ROOT)}")
        elif step.language == "swift":
            failures += failures_of_program(document, step, [executables / document.target(step)])
        else:
            failures += check_python(document, step)
            if options.peers:
                script = document.folder / f"{document.target(step)}.py"
                script.write_text(blocks.source(step, document.path, r"\x1e"), encoding="utf-8")
                failures += failures_of_program(document, step, [options.peers, script])
    print(f"articles: {document.name}: {len(document.programs)} programs, {time.monotonic() - started:.1f} s"
          + (f", {len(failures)} failures" if failures else ""), flush=True)
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--peers", metavar="PYTHON", help="an interpreter with keras and torch, which runs Python blocks")
    parser.add_argument(
        "--tool", type=pathlib.Path, metavar="PATH", help="the tool `recur`, for the lines that call it")
    parser.add_argument("documents", nargs="*", help="documents to check (default: the README and all articles)")
    options = parser.parse_args()
    options.tool = options.tool and options.tool.resolve()
    options.paths = files.tracked(ROOT)
    try:
        found = documents(options.documents)
        executables = build(
            {document.target(program): blocks.source(program, document.path, r"\u{1e}")
             for document in found for program in document.programs if document.builds(program)})
    except ValueError as error:
        sys.exit(f"articles: {error}")
    except subprocess.CalledProcessError:
        sys.exit("articles: a block does not compile, see above; its line is that of the document")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        failures = [failure for answer in pool.map(lambda document: check(document, executables, options), found)
                    for failure in answer]
    for failure in failures:
        print(f"articles: {failure}", file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
