"""Draws the results of the benchmark as a bar chart (SVG).

Instructions differ by five orders of magnitude between rows, so the axis is logarithmic.
"""
import math

LEFT, WIDTH, ROW, BAR, TOP = 210, 640, 40, 9, 50
COLOURS = {"ours": "#1f77b4", "Linux": "#bbbbbb", "target": "#d62728"}


def text(x, y, words, anchor="start", size=11):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}">'
            f"{words}</text>")


def bar(x, y, colour):
    return (f'<rect x="{LEFT}" y="{y}" width="{max(x - LEFT, 1):.1f}" height="{BAR}" '
            f'fill="{colour}"/>')


def grid(place, decades, height):
    parts = []
    for decade in range(decades[0], decades[1] + 1):
        x = place(10 ** decade)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - 10}" '
                     'stroke="#dddddd"/>')
        parts.append(text(x, TOP - 12, f"{10 ** decade:,}", "middle", 9))
    return parts


def legend():
    parts = [text(10, 18, "Instructions per operation, fewer is better", size=14)]
    for number, (name, colour) in enumerate(COLOURS.items()):
        x = LEFT + 250 + 90 * number
        parts.append(f'<rect x="{x}" y="9" width="10" height="10" fill="{colour}"/>')
        parts.append(text(x + 14, 18, name))
    return parts


def draw(rows):
    """The SVG of rows (name, ours, Linux, target), each figure a number or None."""
    figures = [v for row in rows for v in row[1:] if v] or [1, 10]
    decades = (math.floor(math.log10(min(figures))), math.ceil(math.log10(max(figures) + 1)))
    height = TOP + ROW * len(rows) + 10

    def place(value):
        span = max(decades[1] - decades[0], 1)
        return LEFT + WIDTH * (math.log10(value) - decades[0]) / span

    parts = legend() + grid(place, decades, height)
    for number, (name, ours, linux, target) in enumerate(rows):
        y = TOP + ROW * number
        parts.append(text(LEFT - 8, y + 2 * BAR, name, "end"))
        for line, (value, kind) in enumerate([(ours, "ours"), (linux, "Linux")]):
            if value:
                parts.append(bar(place(value), y + line * (BAR + 1), COLOURS[kind]))
                parts.append(text(place(value) + 4, y + line * (BAR + 1) + 8, f"{value:,}", size=9))
        if target:
            x = place(target)
            parts.append(f'<line x1="{x:.1f}" y1="{y - 3}" x2="{x:.1f}" y2="{y + 2 * BAR + 4}" '
                         f'stroke="{COLOURS["target"]}" stroke-width="2"/>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 90}" '
            f'height="{height}" font-family="sans-serif">\n'
            '<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")
