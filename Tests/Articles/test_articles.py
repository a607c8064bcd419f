"""Tests of the test: what must be seen, and what must turn red."""
import unittest

import blocks
import files
import names
import prints
import public_names

DOCUMENT = """
# Title

```swift
import Recurra
let a = 1
```

Words.

```swift
print(a, 0.5)
```

```text
1 0.50
```

```python
from keras.layers import LSTM
```

| Keras | Swift |
|---|---|
| `LSTM(4)` | `LSTM(units: 4)` |

```sh
recur demo
```

```swift
// A comment in front of the import.
import Recurra
print(2)
```
"""


class Blocks(unittest.TestCase):
    def test_a_block_without_import_goes_on_with_the_program_before(self):
        found = blocks.programs(blocks.blocks(DOCUMENT), "x.md")
        self.assertEqual([(program.language, len(program.blocks)) for program in found],
                         [("swift", 3), ("python", 2), ("swift", 1)])

    def test_a_text_block_belongs_to_the_block_directly_before(self):
        found = blocks.blocks(DOCUMENT)
        self.assertEqual([block.prints for block in found if block.language == "swift" and not block.is_cell],
                         [None, ["1 0.50"], None])

    def test_words_between_leave_a_text_block_to_nobody(self):
        found = blocks.blocks(DOCUMENT.replace("```text", "Words between.\n\n```text"))
        self.assertTrue(all(block.prints is None for block in found))

    def test_a_table_gives_its_swift_column(self):
        self.assertIn(["LSTM(units: 4)"], [block.lines for block in blocks.blocks(DOCUMENT) if block.is_cell])

    def test_a_first_block_without_import_is_refused_with_its_line(self):
        with self.assertRaisesRegex(ValueError, "x.md:5"):
            blocks.programs(blocks.blocks("\n# Title\n\n```swift\nlet a = 1\n```\n"), "x.md")

    def test_a_cell_leaves_no_name_behind(self):
        self.assertEqual(blocks.swift_cell("LSTM(units: 4)"), "do { use(LSTM(units: 4)) }")
        self.assertEqual(blocks.swift_cell("let x = 4"), "do { let x = 4 }")

    def test_the_compiler_is_told_the_lines_of_the_document(self):
        program = blocks.programs(blocks.blocks(DOCUMENT), "x.md")[0]
        self.assertIn('#sourceLocation(file: "/x.md", line: 12)\nprint(a, 0.5)', blocks.source(program, "/x.md", "M"))


class Prints(unittest.TestCase):
    def test_equal_lines_agree_whatever_their_spaces(self):
        self.assertIsNone(prints.difference(["a  b", ""], ["", "a b"]))

    def test_whole_numbers_must_be_equal(self):
        self.assertIsNotNone(prints.difference(["16,100 of 3"], ["16,101 of 3"]))

    def test_other_numbers_must_be_close(self):
        self.assertIsNone(prints.difference(["loss 0.512"], ["loss 0.515"]))
        self.assertIsNotNone(prints.difference(["loss 0.512"], ["loss 0.412"]))
        self.assertIsNotNone(prints.difference(["loss 0.512"], ["loss -0.512"]))
        self.assertIsNotNone(prints.difference(["loss 0.512"], ["loss nan"]))

    def test_words_must_be_equal(self):
        self.assertIsNotNone(prints.difference(["yes 1"], ["no 1"]))

    def test_a_line_too_many_or_too_few_is_seen(self):
        self.assertIsNotNone(prints.difference(["a"], ["a", "b"]))
        self.assertIsNotNone(prints.difference(["a", "b"], ["a"]))

    def test_dots_stand_for_anything_but_not_for_what_comes_behind(self):
        self.assertIsNone(prints.difference(["a … c", "…", "z"], ["a b c", "x", "y", "z"]))
        self.assertIsNotNone(prints.difference(["…", "z"], ["x", "y"]))
        self.assertIsNotNone(prints.difference(["a … c"], ["a b d"]))

    def test_numbers_beside_dots_must_be_close(self):
        self.assertIsNone(prints.difference(["6 0.99 … 0.98 …"], ["6  0.991  0.0367  0.975  0.12"]))
        self.assertIsNotNone(prints.difference(["6 0.99 … 0.98 …"], ["6  0.991  0.0367  0.475  0.12"]))


class Names(unittest.TestCase):
    TARGETS = names.targets("PORT := 1\nrun: build ## x\nforks: COUNT := 3\na b-c: d\n\techo\n")
    HELP = {
        ("recur",): "SUBCOMMANDS", ("recur", "train"): "  --seed <seed>  --seeded",
        ("recur", "demo"): "SUBCOMMANDS:\n  words (default)         Asks.\n  memory                  Shows.\n",
        ("recur", "demo", "words"): "  --deep", ("recur", "demo", "memory"): "  --output <output>",
    }

    def wrong(self, text):
        return list(names.unknown(text, self.TARGETS, lambda *command: self.HELP.get(command)))

    def test_targets_are_read_from_the_makefile(self):
        self.assertEqual(self.TARGETS, {"run", "forks", "a", "b-c"})

    def test_what_there_is_passes(self):
        self.assertEqual(self.wrong("`make run COUNT=3` `recur help train` `recur train --seed 3` `recur train X`"), [])
        self.assertEqual(self.wrong("make nosuch, recur nosuch\n```swift\nmake nosuch\n```"), [])

    def test_what_there_is_not_is_seen_with_its_line(self):
        for code in ("make nosuch", "recur nosuch", "recur help nosuch", "recur train --see", "recur train --nosuch 3"):
            self.assertEqual([line for line, _ in self.wrong(f"\n`{code}`")], [2], code)
            self.assertEqual([line for line, _ in self.wrong(f"```sh\n{code}  # make more\n```")], [2], code)

    def test_commands_below_commands_have_options_of_their_own(self):
        self.assertEqual(self.wrong("`recur demo --deep` `recur demo memory --output x` `recur demo words --deep`"), [])
        for code in ("recur demo --output x", "recur demo memory --deep", "recur demo words --output x"):
            self.assertEqual([line for line, _ in self.wrong(f"`{code}`")], [1], code)

    def test_a_comment_is_no_command(self):
        self.assertEqual(self.wrong("```sh\nls  # make nosuch\n```"), [])


class Files(unittest.TestCase):
    PATHS = {"Sources/Core/Planning/Tuning.swift", "Sources/Core/Core.swift", "Sources/C/isa/a.h", "Makefile"}
    TEXTS = {"Sources/Core/Planning/Tuning.swift": "var turnRows = 8"}

    def wrong(self, text):
        return [line for line, _ in files.wrong(text, self.PATHS, lambda path: self.TEXTS.get(path, ""))]

    def test_files_folders_and_names_of_files_are_found(self):
        self.assertEqual(self.wrong("`Sources/Core/Core.swift` `Sources/Core/` `Sources/C/isa` `Tuning.swift`"), [])
        self.assertEqual(self.wrong("`Sources/App/App.swift` `Package.swift` `model.safetensors` `a/b` `x.y`"), [])

    def test_what_there_is_not_is_seen_with_its_line(self):
        for code in ("Sources/Core/Cor.swift", "Sources/Cor", "Sources/Core/Core", "Tunings.swift", "b.h", ".ci/none"):
            self.assertEqual(self.wrong(f"\n`{code}`"), [2], code)

    def test_a_name_in_a_table_stands_in_the_file_beside_it(self):
        table = "| Name | Where |\n|---|---|\n| `{}` | `Tuning.swift` |\n"
        self.assertEqual(self.wrong(table.format("turnRows")), [])
        self.assertEqual(self.wrong(table.format("turnRow")), [3])
        self.assertEqual(self.wrong("| Name | Where |\n|---|---|\n| `x` | somewhere |\n"), [3])

    def test_folders_are_those_of_the_target_and_no_target_is_left_out(self):
        head = "| Target | Folders |\n|---|---|\n"
        self.assertEqual(self.wrong(head + "| `Core` | `Planning/` |\n| `C` | `isa/` |\n"), [])
        self.assertEqual(self.wrong(head + "| `Core` | |\n| `C` | `isa/` |\n"), [3])
        self.assertEqual(self.wrong(head + "| `Core` | `Planning/` `Cells/` |\n| `C` | `isa/` |\n"), [3])
        self.assertEqual(self.wrong(head + "| `Core` | `Planning/` |\n"), [3])


class PublicNames(unittest.TestCase):
    EARLIER = {"Old", "Old.part", "Kept", "Kept.call(_:)", "Kept.gone", "Kept.other"}
    PRESENT = {"New", "New.part", "Kept", "Kept.call(_:more:)", "Kept.other"}
    ROWS = "| `Old` | `New` | say so |\n| `Kept.gone` | taken out | |\n"

    def wrong(self, rows, same="| `Kept.other` | an enum |"):
        return public_names.failures(f"{rows}{public_names.SAME_NAMES}\n{same}\n", self.EARLIER, self.PRESENT)

    def test_an_alias_has_the_members_of_its_type(self):
        symbols = [{"declarationFragments": [{"spelling": "typealias "}, {"spelling": "Short = Long<Own>"}]}, {}]
        found = {"Long", "Long.part", "Longer.other"}
        self.assertEqual(public_names.members_of_aliases(symbols, found), {"Short.part"})

    def test_members_go_with_their_type_and_a_further_argument_is_no_change(self):
        self.assertEqual(self.wrong(self.ROWS), [])

    def test_a_name_that_goes_without_a_row_is_seen(self):
        self.assertEqual(len(self.wrong("| `Old` | `New` | |\n")), 1)
        self.assertEqual(len(self.wrong("| `Kept.gone` | taken out | |\n")), 2)

    def test_both_columns_are_looked_up(self):
        for row in ("| `Never` | `New` |", "| `Kept.other` | `New` |", "| `Old` | `Never` |", "| `Old` | gone |"):
            self.assertEqual(len(self.wrong(self.ROWS + row)), 1, row)

    def test_dots_stand_for_further_arguments(self):
        for new, count in (("call(_:…)", 0), ("call(…:)", 0), ("call(_:more:…)", 1), ("fit(…)", 1)):
            self.assertEqual(len(self.wrong(self.ROWS + f"| `Kept.call(_:)` | `Kept.{new}` |")), count, new)

    def test_what_has_another_type_is_there_before_and_after(self):
        for name in ("Kept.gone", "New", "Never"):
            self.assertEqual(len(self.wrong(self.ROWS, f"| `{name}` | an enum |")), 1, name)


if __name__ == "__main__":
    unittest.main()
