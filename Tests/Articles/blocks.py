"""The code of a document: its fenced blocks, put together to programs.

A block that begins with `import` (or `from`, in Python) begins a program; a block that does not goes on with the
program of its language before it. So a reader may copy the blocks in order, and so may the test. A ```text block
directly behind a block of code is what that block prints. A Swift block with `swift-tools-version` is a manifest. In a
table, what stands in a column named Swift is a statement of the Swift program before the table, and likewise for
Python, Keras and PyTorch.
"""
import dataclasses
import re

FENCE = re.compile(r"^(\s*)(`{3,})\s*(\w*)\s*$")
CELL_CODE = re.compile(r"`([^`]+)`")
TABLE_COLUMNS = {"swift": "swift", "python": "python", "keras": "python", "pytorch": "python"}
BEGINS_PROGRAM = {"swift": re.compile(r"(@testable )?import ", re.M), "python": re.compile(r"(import|from) ", re.M)}
STATEMENT = re.compile(r"(let|var|for|if|guard|func|struct|final|class)\b|\S+ = ")


@dataclasses.dataclass
class Block:
    """Lines of code, where they stand, and what they print; None when the document does not say."""
    language: str
    line: int
    lines: list
    prints: list | None = None
    is_cell: bool = False


@dataclasses.dataclass
class Program:
    language: str
    blocks: list


def comes_from(lines):
    """The first line that is neither empty nor a comment."""
    return next((line for line in lines if line.strip() and not line.startswith(("//", "#"))), "")


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


class Reader:
    """Goes through a document line by line."""

    def __init__(self, text):
        self.lines = text.split("\n")
        self.blocks = []
        self.columns = []

    def read(self):
        index, last = 0, None
        while index < len(self.lines):
            line = self.lines[index]
            fence = FENCE.match(line)
            if fence:
                indent, ticks, language = fence.groups()
                end = next((i for i in range(index + 1, len(self.lines))
                            if self.lines[i].strip() == ticks), len(self.lines))
                content = [inner.removeprefix(indent) for inner in self.lines[index + 1:end]]
                if language == "text" and last is not None:
                    last.prints, last = content, None
                elif language:
                    last = Block(language, index + 2, content)
                    self.blocks.append(last)
                index = end + 1
                continue
            if line.startswith("|"):
                self.row(index)
            else:
                self.columns = []
            if line.strip():
                last = None
            index += 1
        return self.blocks

    def row(self, index):
        """Takes the code of a table's row; the first row of a table names its columns."""
        row = cells(self.lines[index])
        if not self.columns:
            self.columns = [TABLE_COLUMNS.get(name.lower()) for name in row]
            return
        for language, cell in zip(self.columns, row):
            if language:
                for code in CELL_CODE.findall(cell):
                    self.blocks.append(Block(language, index + 1, [code], is_cell=True))


def blocks(text):
    """All blocks of a document that name a language, `text` blocks taken by the block before them."""
    return Reader(text).read()


def is_manifest(block):
    return block.language == "swift" and any("swift-tools-version" in line for line in block.lines)


def programs(found, name):
    """The programs of a document in order, each of one language.

    Raises ValueError for a block that neither begins a program nor has one to go on with.
    """
    result, latest = [], {}
    for block in found:
        pattern = BEGINS_PROGRAM.get(block.language)
        if pattern is None or is_manifest(block):
            continue
        if not block.is_cell and pattern.match(comes_from(block.lines)):
            latest[block.language] = Program(block.language, [])
            result.append(latest[block.language])
        if block.language not in latest:
            raise ValueError(f"{name}:{block.line}: expected `import` at the head of the first {block.language} block")
        latest[block.language].blocks.append(block)
    return result


def source(program, path, mark):
    """The text of a program: what the compiler says names lines of the document, and `mark` is printed after each
    block."""
    text = []
    if program.language == "swift" and any(block.is_cell for block in program.blocks):
        text.append("private func use<Value>(_ value: Value) {}")
    for block in program.blocks:
        if program.language == "swift":
            text.append(f'#sourceLocation(file: "{path}", line: {block.line})')
            text += [swift_cell(block.lines[0])] if block.is_cell else block.lines
            text += ["#sourceLocation()"] + ([] if block.is_cell else [f'print("{mark}")'])
        else:
            text += block.lines + ([] if block.is_cell else [f'print("{mark}", flush=True)'])
    return "\n".join(text) + "\n"


def swift_cell(code):
    """A cell of a table as a statement that leaves nothing behind; `use` takes a value of any type, none included."""
    return "do { " + code + " }" if STATEMENT.match(code) else "do { use(" + code + ") }"
