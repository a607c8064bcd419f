"""Draws the peers' times relative to ours as an SVG: one row per case, one dot per peer, a logarithmic axis."""
import math
from html import escape

CELL_LABELS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU", "bilstm": "BiLSTM"}
COLORS = {"PyTorch": "#d1495b", "ONNX Runtime": "#2e6f95", "Keras/TF": "#e09f3e"}
ROW, GROUP_GAP, LABELS, PANEL, MARGIN, TOP = 15, 22, 150, 400, 24, 100
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def text(x, y, content, anchor="start", size=11, weight="normal", fill="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
            f'fill="{fill}">{escape(content)}</text>')


def line(x1, y1, x2, y2, stroke="#ddd", width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" stroke-width="{width}"/>'


def ratios(row, ours):
    """Returns each peer's time over ours, above 1 where ours is faster."""
    used = {name: figure["used"] for name, figure in row["milliseconds"].items() if "used" in figure}
    return {name: figure / used[ours] for name, figure in used.items() if name != ours} if ours in used else {}


def scale(rows, ours):
    """Returns the map from a ratio to 0…1 and the ticks that lie within."""
    values = [value for row in rows for value in ratios(row, ours).values()]
    low = max([tick for tick in TICKS if tick <= min(values + [0.9])], default=TICKS[0])
    high = min([tick for tick in TICKS if tick >= max(values + [2])], default=TICKS[-1])

    def position(value):
        share = math.log(value / low) / math.log(high / low)
        return min(max(share, 0), 1)
    return position, [tick for tick in TICKS if low <= tick <= high]


def panel(rows, title, left, ours, position, ticks):
    """Draws one job; returns its elements and the y below them."""
    start, y = left + LABELS, TOP
    elements = [text(start, y - 34, title, size=13, weight="bold")]
    body = []
    cells = list(dict.fromkeys(row["cell"] for row in rows))
    for cell in cells:
        body.append(text(left, y + 11, CELL_LABELS.get(cell, cell), weight="bold"))
        for row in (row for row in rows if row["cell"] == cell):
            middle = y + ROW / 2
            body.append(text(start - 10, middle + 4, "{}·{}·{}→{}".format(*row["shape"]), "end", 10, fill="#555"))
            elements.append(line(start, middle, start + PANEL, middle, "#f0f0f0"))
            for name, value in ratios(row, ours).items():
                body.append(f'<circle cx="{start + PANEL * position(value):.1f}" cy="{middle:.1f}" r="4.2" '
                            f'fill="{COLORS.get(name, "#777")}" fill-opacity="0.9">'
                            f"<title>{escape(name)}: {value:.2f} × our time</title></circle>")
            y += ROW
        y += GROUP_GAP - ROW
    for tick in ticks:
        x = start + PANEL * position(tick)
        at_one = tick == 1
        elements.append(line(x, TOP - 6, x, y, "#222" if at_one else "#ddd", 1.6 if at_one else 1))
        elements.append(text(x, TOP - 11, f"{tick:g}×", "middle", 10, "bold" if at_one else "normal"))
    return elements + body, y


def draw(result, ours):
    """Returns the SVG of all cases of `result`, a panel for each job."""
    about = result["header"]
    jobs = list(dict.fromkeys(row["job"] for row in result["cases"]))
    position, ticks = scale(result["cases"], ours)
    width = MARGIN + len(jobs) * (LABELS + PANEL + MARGIN)
    elements, bottom = [], TOP
    elements.append(text(MARGIN, 24, f"Time of each peer ÷ time of {ours}: right of the line, {ours} is faster",
                         size=15, weight="bold"))
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    elements.append(text(MARGIN, 42, f"{about['cpu']}, {about['threads']} threads, {about['date']}; {versions}",
                         fill="#555"))
    for index, job in enumerate(jobs):
        rows = [row for row in result["cases"] if row["job"] == job]
        mean = result["geometric_mean"].get(job)
        title = job + (f": best peer ÷ ours, geometric mean {mean:.2f}" if mean else "")
        drawn, y = panel(rows, title, MARGIN + index * (LABELS + PANEL + MARGIN), ours, position, ticks)
        elements += drawn
        bottom = max(bottom, y)
    x = MARGIN
    for name in dict.fromkeys(name for row in result["cases"] for name in ratios(row, ours)):
        elements.append(f'<circle cx="{x + 5}" cy="{bottom + 16}" r="4.2" fill="{COLORS.get(name, "#777")}"/>')
        elements.append(text(x + 14, bottom + 20, name))
        x += 120
    elements.append(text(x, bottom + 20, "rows: batch·timesteps·inputs→units", fill="#555"))
    height = bottom + 34
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0f}" '
            f'viewBox="0 0 {width} {height:.0f}" font-family="sans-serif">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(elements) + "\n</svg>\n")
