"""Compares what a program prints with what its document says it prints."""
import re

NUMBER = re.compile(r"[-+−]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?|\bnan\b|\binf\b")
RELATIVE = 0.05  # Apart from this share, processors and their OpenBLAS round alike, training included.


def is_close(expected, got):
    """Tells whether two numbers agree: whole ones exactly, others nearly, since processors round differently."""
    expected, got = (number.replace(",", "").replace("−", "-") for number in (expected, got))
    if "." not in expected and "e" not in expected.lower():
        return expected == got
    try:
        difference = abs(float(expected) - float(got))
    except ValueError:
        return False
    # As many digits as the document shows count, at most.
    decimals = len(expected.partition(".")[2].lower().partition("e")[0])
    unit = 10.0 ** -decimals * 1.01
    return difference <= max(unit, RELATIVE * abs(float(expected)))


def is_same_line(expected, got):
    """Compares two lines: words to the letter, numbers by `is_close`, spaces by where they are, … with anything."""
    expected, got = " ".join(expected.split()), " ".join(got.split())
    pattern = ".*".join(
        f"({NUMBER.pattern})".join(re.escape(words) for words in NUMBER.split(part)) for part in expected.split("…"))
    found = re.fullmatch(pattern, got)
    return found is not None and all(is_close(*pair) for pair in zip(NUMBER.findall(expected), found.groups()))


def trimmed(lines):
    lines = [line.rstrip() for line in lines]
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def difference(expected, got):
    """The first line that differs, in words; None when all agree. A line … stands for any number of lines."""
    expected, got = trimmed(expected), trimmed(got)
    position = 0
    for index, line in enumerate(expected):
        if line.strip() == "…":
            if index + 1 == len(expected):
                return None
            while position < len(got) and not is_same_line(expected[index + 1], got[position]):
                position += 1
            continue
        if position >= len(got):
            return f"expected “{line.strip()}”, got no further line"
        if not is_same_line(line, got[position]):
            return f"expected “{line.strip()}”, got “{got[position].strip()}”"
        position += 1
    return f"expected no further line, got “{got[position].strip()}”" if position < len(got) else None
