"""Looks up what a document names in code: commands and options of the tools, targets of make."""
import re
import shlex
import subprocess

CODE = re.compile(r"`([^`]+)`")
TARGETS = re.compile(r"^([a-z0-9-]+(?: [a-z0-9-]+)*):(?!=)", re.M)
SHELLS = ("sh", "bash", "console")


def targets(makefile):
    """The names that make knows."""
    return {name for names in TARGETS.findall(makefile) for name in names.split()}


def helper(tool):
    """A function that tells what a command says about itself; None for one that there is not. Asks each one once."""
    known = {}

    def help_of(*command):
        if command not in known:
            program = tool.with_name(command[0])
            said = subprocess.run([program, *command[1:], "--help"], capture_output=True, text=True, check=False)
            known[command] = said.stdout if said.returncode == 0 else None
        return known[command]

    return help_of


def pieces(text):
    """The code of a document, with its lines: what stands between backquotes, and the commands of shell blocks."""
    language = None
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("```"):
            language = line.strip(" `") if language is None else None
        elif language is None:
            yield from ((number, code) for code in CODE.findall(line))
        elif language in SHELLS:
            yield number, line.split("#")[0].removeprefix("$ ")


def below(words, command, said, help_of):
    """What a command says about itself and the command below it: the one named, or the one meant when none is."""
    listed = dict(re.findall(r"^  ([a-z]+)( \(default\))?(?= |$)", said.partition("SUBCOMMANDS:")[2], re.M))
    named = [word for word in words[len(command):][:1] if word in listed]
    usual = [name for name, is_usual in listed.items() if is_usual]
    return said + "".join(help_of(*command, name) or "" for name in named or usual)


def split(code):
    """The words of a command as a shell takes them; by blanks where its quotes do not fit."""
    try:
        return shlex.split(code)
    except ValueError:
        return code.split()


def unknown(text, known_targets, help_of):
    """What is wrong with the commands of a document: pairs of a line and words."""
    for number, code in pieces(text):
        words = split(code)
        if words[:1] == ["make"]:
            for word in words[1:]:
                if re.fullmatch(r"[a-z][a-z0-9-]*", word) and word not in known_targets:
                    yield number, f"expected a target of the Makefile, got {word}"
        elif words and words[0] in ("recur", "recur-bench"):
            command = [word for word in words[:3] if word != "help"][:2]
            if len(command) == 2 and not re.fullmatch("[a-z]+", command[1]):
                command = command[:1]
            said = help_of(*command)
            if said is None:
                yield number, f"expected a command of the tool, got {' '.join(command)}"
                continue
            said = below(words, command, said, help_of)
            for option in re.findall(r"(?<!\S)--[a-z-]+", code):
                if not re.search(rf"(?<!\S){option}(?![a-z-])", said):
                    yield number, f"expected an option of {' '.join(command)}, got {option}"
