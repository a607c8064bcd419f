#!/usr/bin/env python3
"""Changes one line of the sources at a time and asks whether a test notices.

Lines are drawn at random from SEED, rooms by their weights, and each gets one change that a slip of the hand could be.
A change that does not compile is drawn again. The tests run nearest target first and stop at the first red; a change
that none of them notices is printed as a survivor, unless equivalents.txt says why it means the same.

The work is done in a copy of HEAD below .build-mutants, which is kept, so that a second call builds little.
"""
import argparse
import os
import random
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TREE = os.path.join(ROOT, ".build-mutants")
FLAGS = ["-Xcc", "-O2"]

# How often a room is drawn: what users meet and what is changed most often comes first.
ROOMS = {
    "Sources/CRecurraKernels": 2,
    "Sources/RecurraTensor": 3,
    "Sources/RecurraCells": 3,
    "Sources/RecurraLayers": 4,
    "Sources/RecurraTraining": 5,
    "Sources/recur": 2,
}
TESTS = {
    "Sources/CRecurraKernels": [
        "RecurraTensorTests", "RecurraCellsTests", "RecurraLayersTests", "RecurraTrainingTests",
    ],
    "Sources/RecurraTensor": ["RecurraTensorTests", "RecurraCellsTests", "RecurraLayersTests", "RecurraTrainingTests"],
    "Sources/RecurraCells": ["RecurraCellsTests", "RecurraLayersTests", "RecurraTrainingTests"],
    "Sources/RecurraLayers": ["RecurraLayersTests", "RecurraFilesTests", "RecurraTrainingTests", "RecurTests"],
    "Sources/RecurraTraining": ["RecurraTrainingTests", "RecurTests"],
    "Sources/recur": ["RecurTests"],
}
# Where a room lies besides the tests that follow it.
LAST = {"Sources/RecurraTensor": ["RecurraFilesTests", "RecurTests"], "Sources/RecurraCells": ["RecurTests"]}
ALLOWED_SECONDS = 420

SWAPS = [
    (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " / "), (r" / ", " * "), (r" \+= ", " -= "), (r" -= ", " += "),
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "), (r" == ", " != "), (r" != ", " == "),
    (r" && ", " || "), (r" \|\| ", " && "), (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"\bmin\(", "max("),
    (r"\bmax\(", "min("), (r"\.\.<", "..."), (r"\.first\b", ".last"), (r"\.last\b", ".first"),
    (r"\bdropFirst\b", "dropLast"), (r"\bdropLast\b", "dropFirst"), (r"\ballSatisfy\b", "contains"),
    (r"!is([A-Z])", r"is\1"), (r"\bguard !", "guard "), (r"\bif !", "if "), (r" -([a-z])", r" \1"),
]
NUMBER = re.compile(r"(?<![\w.])(\d+)(?![\w.]|\.\d)")
# An assignment or a call that stands alone: leaving it out is a change as well.
STATEMENT = re.compile(r"^\s*(self\.)?[a-z][\w.\[\]]*(\s[-+*/]?=\s.*|\(.*\))$")


def code_of(line):
    """The line without what is said in strings and comments, which tests need not hold."""
    line = re.sub(r'"(\\.|[^"\\])*"', lambda found: '"' * len(found.group(0)), line)
    return line.split("//")[0]


def changes(line):
    """Every line that one slip makes of this one."""
    code = code_of(line)
    found = []
    if re.match(r"\s*((internal |public |package )?import|@|\*|/\*|#include|#pragma|#define|///?)", line):
        return found
    for pattern, replacement in SWAPS:
        for match in re.finditer(pattern, code):
            found.append(line[: match.start()] + match.expand(replacement) + line[match.end():])
    for match in NUMBER.finditer(code):
        value = int(match.group(1))
        for other in {value + 1, max(value - 1, 0)} - {value}:
            found.append(line[: match.start()] + str(other) + line[match.end():])
    if STATEMENT.match(code.rstrip()) and code.count("(") == code.count(")") and code.count("[") == code.count("]"):
        found.append(re.match(r"\s*", line).group(0) + "do {}" if line.lstrip()[0].islower() else line)
    return [change for change in found if change != line]


def sources(room):
    for folder, _, names in os.walk(os.path.join(TREE, room)):
        for name in sorted(names):
            if name.endswith((".swift", ".h", ".c")) and "Generated" not in folder:
                yield os.path.relpath(os.path.join(folder, name), TREE)


def equivalents():
    """{(file, line as it stands, line as changed): reason}"""
    known = {}
    path = os.path.join(HERE, "equivalents.txt")
    block = []
    for line in open(path, encoding="utf-8") if os.path.exists(path) else []:
        if line.startswith("#"):
            continue
        if line.strip():
            block.append(line.strip())
        if not line.strip() or len(block) == 4:
            if len(block) == 4:
                known[tuple(block[:3])] = block[3]
            block = []
    return known


def run(command, seconds, log):
    """The exit status; 124 when time ran out, the children being ended too."""
    with open(log, "wb") as out:
        process = subprocess.Popen(
            command, cwd=TREE, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "SWIFT_BACKTRACE": "enable=no"})
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return 124


def build(log):
    return run(["swift", "build", "--build-tests", *FLAGS], 1800, log)


def killer(targets, log):
    """The first test target that goes red; None when all stay green."""
    for target in targets:
        command = ["swift", "test", "--skip-build", "--disable-xctest", *FLAGS, "--filter", "^" + target + "\\."]
        if run(command, ALLOWED_SECONDS, log) != 0:
            return target
    return None


def prepare(log):
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    os.makedirs(TREE, exist_ok=True)
    listing = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT).decode().split("\0")
    for name in filter(None, listing):
        target = os.path.join(TREE, name)
        content = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, stdout=subprocess.PIPE).stdout
        if os.path.exists(target) and open(target, "rb").read() == content:
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(content)
        if name.endswith(".sh") or name.startswith(".ci/"):
            os.chmod(target, 0o755)
    wanted = set(listing)
    for room in ["Sources", "Tests", "Benchmarks"]:
        for folder, _, names in os.walk(os.path.join(TREE, room)):
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), TREE)
                if path not in wanted:
                    os.remove(os.path.join(TREE, path))
    if build(log) != 0:
        sys.exit(f"mutants: the sources do not build as they are, see {log}")
    # Green once is enough for a commit.
    proof = os.path.join(TREE, ".build", "green")
    if not os.path.exists(proof) or open(proof, encoding="utf-8").read() != head:
        red = killer(sorted({target for targets in TESTS.values() for target in targets}), log)
        if red:
            sys.exit(f"mutants: {red} is red as it is, see {log}")
        with open(proof, "w", encoding="utf-8") as file:
            file.write(head)
    return head


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--room", choices=sorted(ROOMS), help="one room alone")
    parser.add_argument("--list", action="store_true", help="print the draw without trying it")
    arguments = parser.parse_args()
    log = os.path.join(ROOT, ".build-mutants.log")
    random_source = random.Random(arguments.seed)
    rooms = {arguments.room: 1} if arguments.room else ROOMS
    head = "" if arguments.list and os.path.isdir(os.path.join(TREE, "Sources")) else prepare(log)
    known = equivalents()
    print(f"seed {arguments.seed}, {arguments.count} changes of {head[:12]}", flush=True)
    tried, killed, equivalent, survivors, start = 0, 0, 0, [], time.time()
    lines = {room: [(file, number) for file in sources(room) for number in range(
        len(open(os.path.join(TREE, file), encoding="utf-8").read().split("\n")))] for room in rooms}
    while tried < arguments.count:
        room = random_source.choices(list(rooms), weights=list(rooms.values()))[0]
        file, number = random_source.choice(lines[room])
        path = os.path.join(TREE, file)
        original = open(path, encoding="utf-8").read()
        text = original.split("\n")
        options = changes(text[number])
        if not options:
            continue
        line, changed = text[number], random_source.choice(options)
        if arguments.list:
            tried += 1
            print(f"{file}:{number + 1}\n  - {line.strip()}\n  + {changed.strip()}")
            continue
        reason = known.get((file, line.strip(), changed.strip()))
        if reason:
            equivalent += 1
            tried += 1
            print(f"{tried:3}  equivalent           {file}:{number + 1}  {reason}", flush=True)
            continue
        text[number] = changed
        try:
            with open(path, "w", encoding="utf-8") as output:
                output.write("\n".join(text))
            if build(log) != 0:
                continue
            tried += 1
            red = killer(TESTS[room] + LAST.get(room, []), log)
        finally:
            with open(path, "w", encoding="utf-8") as output:
                output.write(original)
        if red:
            killed += 1
            print(f"{tried:3}  {red:20} {file}:{number + 1}", flush=True)
        else:
            survivors.append((file, number + 1, line.strip(), changed.strip()))
            print(f"{tried:3}  SURVIVED             {file}:{number + 1}")
            print(f"       - {line.strip()}\n       + {changed.strip()}", flush=True)
    if arguments.list:
        return
    counted = tried - equivalent
    print(f"{killed} of {counted} killed ({100 * killed / max(counted, 1):.1f} %), {equivalent} equivalent, "
          f"{time.time() - start:.0f} s")
    for file, number, line, changed in survivors:
        print(f"\n{file}:{number}\n{line}\n{changed}")
    sys.exit(0 if not survivors or killed >= 0.95 * counted else 1)


if __name__ == "__main__":
    main()
