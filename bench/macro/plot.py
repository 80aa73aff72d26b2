"""The ratios to Apache Kafka as an SVG: one bar a case on a logarithmic scale, the goal as a mark on it."""

import html
import math

LEAST, GREATEST = 0.001, 100.0
ROW, LEFT, WIDTH, TOP = 22, 220, 640, 50
GOOD, BAD, PLAIN = "#2e7d32", "#c62828", "#546e7a"


def _x(ratio: float) -> float:
    share = math.log10(min(max(ratio, LEAST), GREATEST) / LEAST) / math.log10(GREATEST / LEAST)
    return LEFT + WIDTH * share


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def svg(rows: list[dict]) -> str:
    bars = [row for row in rows if row["ratio"]]
    height = TOP + ROW * len(bars) + 10
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 90}" height="{height}" font-family="sans-serif" '
             'font-size="12">', '<rect width="100%" height="100%" fill="white"/>',
             _text(LEFT, 18, "Moldau over Apache Kafka 4.3.1, same run; black: the goal; left of 1 is less")]
    power = round(math.log10(LEAST))
    while 10.0**power <= GREATEST:
        x = _x(10.0**power)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{height - 8}" stroke="{"#000" if power == 0 else "#ccc"}"/>')
        parts.append(_text(x, TOP - 12, f"{10.0**power:g}", "middle"))
        power += 1
    for number, row in enumerate(bars):
        y = TOP + ROW * number
        goal = next((goal for goal in row["goals"] if goal["peer"] == "kafka"), None)
        color = PLAIN if goal is None or goal["met"] is None else GOOD if goal["met"] else BAD
        begin, end = sorted((_x(1.0), _x(row["ratio"])))
        parts.append(_text(LEFT - 8, y + 13, row["case"], "end"))
        parts.append(f'<rect x="{begin:.1f}" y="{y + 2}" width="{max(1.0, end - begin):.1f}" height="{ROW - 8}" fill="{color}"/>')
        if goal:
            parts.append(f'<rect x="{_x(goal["limit"]) - 1:.1f}" y="{y}" width="2" height="{ROW - 4}" fill="black"/>')
        parts.append(_text(LEFT + WIDTH + 8, y + 13, f"{row['ratio']:.3g}"))
    return "\n".join([*parts, "</svg>", ""])
