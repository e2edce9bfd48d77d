"""The measures of a benchmark as one picture: an SVG file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from sayso.report.charts import ROW, Group, intervals

WIDTH, LEFT, TOP = 900, 190, 44
_STYLE = """
text{font:13px system-ui,"Noto Sans CJK SC",sans-serif;fill:#333}
.title{font-size:16px;font-weight:600}.unit{font-weight:600}
.plot{overflow:visible}.plot text.y{text-anchor:end}.plot text.x{text-anchor:middle;fill:#666}
.grid{stroke:#ddd}.whisker{stroke-width:2.5}.dot{stroke:#fff;stroke-width:1}
.base.dot,.base .dot{fill:#4a6fa5}.whisker.base{stroke:#4a6fa5}
.learn.dot,.learn .dot{fill:#b5542d}.whisker.learn{stroke:#b5542d}
"""


def picture(groups: Sequence[Group], title: str) -> str:
    """Dots with intervals, a group under the other. The looks "base" and "learn" are known."""
    height = TOP + sum(ROW * (len(group.dots) + 1) + 10 for group in groups) + 40
    said = "; ".join(f"{group.name}, {dot.name}: {dot.text}" for group in groups for dot in group.dots)
    return str(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}">'
            "<style>{style}</style>"
            '<rect width="100%" height="100%" fill="#fff"/><text class="title" x="16" y="26">{title}</text>'
            '<svg x="{left}" y="{top}" width="{inner}" height="{below}" overflow="visible">{chart}</svg></svg>\n'
        ).format(
            w=WIDTH,
            h=height,
            style=Markup(_STYLE),
            title=title,
            left=LEFT,
            top=TOP,
            inner=WIDTH - LEFT - 40,
            below=height - TOP,
            chart=intervals(groups, said),
        )
    )
