"""Charts as Plotly figures; none draws. No geo subplot and no month names: both would need another host or English.

Every figure has a fixed height and its own fonts, so that it looks the same on screen and on paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import plotly.graph_objects as go

from pages.ui import theme
from pages.ui.formats import share

#: Options of every chart: the tool bar would offer a picture that no audit row knows of.
CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False, "doubleClick": False}


def dressed(figure: go.Figure, height_px: int, **layout: Any) -> go.Figure:
    """Return a figure with the margins, fonts and grid that every chart here has."""
    figure.update_layout(
        height=height_px,
        margin={"l": 8, "r": 16, "t": 28, "b": 8},
        font={"family": theme.FONTS, "size": 13, "color": theme.INK},
        paper_bgcolor=theme.PAPER,
        plot_bgcolor=theme.PAPER,
        hoverlabel={"font": {"family": theme.FONTS, "size": 13}},
        dragmode=False,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 12}},
        **layout,
    )
    figure.update_xaxes(
        gridcolor=theme.GRID, zerolinecolor=theme.AXIS, automargin=True, fixedrange=True, title_font_size=12
    )
    figure.update_yaxes(
        gridcolor=theme.GRID, zerolinecolor=theme.AXIS, automargin=True, fixedrange=True, title_font_size=12
    )
    return figure


def monthly_series(
    months: Sequence[date],
    counts: Sequence[float | None],
    last_year: Sequence[float | None],
    low: Sequence[float | None],
    high: Sequence[float | None],
    *,
    labels: dict[str, str],
) -> go.Figure:
    """Draw counts per month over last year's and the expected band.

    Parameters
    ----------
    labels
        Words for ``counts``, ``last_year``, ``band`` and ``axis``.

    Notes
    -----
    A month without a record is None and leaves a gap: it is not zero.
    """
    figure = go.Figure()
    for number, run in enumerate(_runs(low, high)):
        figure.add_scatter(
            x=[*(months[i] for i in run), *(months[i] for i in reversed(run))],
            y=[*(high[i] for i in run), *(low[i] for i in reversed(run))],
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor="rgba(28,93,153,0.14)",
            name=labels["band"],
            showlegend=number == 0,
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=months,
        y=last_year,
        mode="lines",
        name=labels["last_year"],
        line={"color": theme.QUIET, "dash": "dot", "width": 1.8},
        hovertemplate="%{y:,.0f}",
    )
    figure.add_scatter(
        x=months,
        y=counts,
        mode="lines+markers",
        name=labels["counts"],
        line={"color": theme.PRIMARY, "width": 2.4},
        marker={"size": 5},
        hovertemplate="%{y:,.0f}",
    )
    figure.update_xaxes(tickformat="%Y-%m", hoverformat="%Y-%m", nticks=12)
    figure.update_yaxes(rangemode="tozero", title=labels["axis"])
    return dressed(figure, 340, hovermode="x unified")


def _runs(low: Sequence[float | None], high: Sequence[float | None]) -> list[list[int]]:
    """Return the stretches without a gap, as positions: a band must not be drawn across an unknown month."""
    runs: list[list[int]] = [[]]
    for position, (bottom, top) in enumerate(zip(low, high, strict=True)):
        if bottom is None or top is None:
            runs.append([])
        else:
            runs[-1].append(position)
    return [run for run in runs if run]


def hour_heatmap(
    values: Sequence[Sequence[float]], weekdays: Sequence[str], *, hour_label: str, value_label: str
) -> go.Figure:
    """Draw weekday × hour."""
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=list(range(24)),
            y=list(weekdays),
            colorscale=[[i / 4, colour] for i, colour in enumerate(theme.RISK)],
            zmin=0,
            colorbar={
                "title": {"text": value_label, "side": "right", "font": {"size": 12}},
                "thickness": 12,
                "outlinewidth": 0,
            },
            hovertemplate="%{y} %{x}:00 · %{z:.1f}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title=hour_label, dtick=3, showgrid=False, range=[-0.5, 23.5])
    return dressed(figure, 290)


def change_bars(rows: Sequence[tuple[str, float]], *, axis: str) -> go.Figure:
    """Draw changes against a year before, largest first; hatched = fewer."""
    figure = go.Figure(
        go.Bar(
            orientation="h",
            y=[name for name, _ in rows],
            x=[change for _, change in rows],
            marker={
                "color": [theme.RISK[3] if change > 0 else theme.SERIES[0] for _, change in rows],
                "pattern": {"shape": ["" if change > 0 else "/" for _, change in rows], "fgopacity": 0.5},
            },
            text=[f"{change:+,.0f}".replace("-", "−") for _, change in rows],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    figure.update_yaxes(autorange="reversed")
    highest, lowest = (max([0.0, *(sign * change for _, change in rows)]) for sign in (1, -1))
    # Wide enough for the figure outside the bar on a tablet.
    room = 0.4 * (highest + lowest)
    figure.update_xaxes(title=axis, range=[-lowest - room * (lowest > 0), highest + room])
    return dressed(figure, 70 + 30 * max(len(rows), 1), showlegend=False)


def funnel_bars(steps: Sequence[tuple[str, int]], *, axis: str) -> go.Figure:
    """Draw how many rows reach each step, with the share of the first."""
    most = steps[0][1] or 1
    figure = go.Figure(
        go.Bar(
            orientation="h",
            y=[name for name, _ in steps],
            x=[rows for _, rows in steps],
            marker={"color": theme.PRIMARY},
            text=[f"{rows:,} · {share(rows / most)}" for _, rows in steps],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title=axis, range=[0, most * 1.5], tickformat=",d", nticks=5)
    return dressed(figure, 60 + 36 * len(steps), showlegend=False, bargap=0.35)


def share_heatmap(
    values: Sequence[Sequence[float | None]],
    units: Sequence[str],
    shifts: Sequence[str],
    *,
    target: float,
    value_label: str,
) -> go.Figure:
    """Draw the committed share by unit and shift, every cell with its figure; the scale is centred on the target."""
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=list(shifts),
            y=list(units),
            text=[["" if v is None else share(v) for v in line] for line in values],
            texttemplate="%{text}",
            textfont={"size": 13, "color": theme.INK},
            colorscale=list(zip((0, 0.5, 0.75, 1), theme.SHARE, strict=True)),
            zmin=0,
            zmax=2 * target,
            showscale=False,
            hovertemplate="%{y} · %{x} · %{text}<extra>" + value_label + "</extra>",
            xgap=3,
            ygap=3,
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(side="top", showgrid=False)
    return dressed(figure, 70 + 38 * len(units))


def need_against_duty(
    names: Sequence[str],
    available: Sequence[float | None],
    need: Sequence[tuple[float, float, float]],
    *,
    labels: dict[str, str],
) -> go.Figure:
    """Draw officers on duty beside the need on median, four-of-five and nine-of-ten days, one row each."""
    figure = go.Figure()
    figure.add_scatter(
        x=[p80 for _, p80, _ in need],
        y=list(names),
        mode="markers",
        name=labels["need"],
        marker={"color": theme.ACCENT, "size": 11, "symbol": "diamond"},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [p90 - p80 for _, p80, p90 in need],
            "arrayminus": [p80 - p50 for p50, p80, _ in need],
            "color": theme.ACCENT,
        },
        hovertemplate="%{x:.1f}<extra>" + labels["need"] + "</extra>",
    )
    figure.add_scatter(
        x=list(available),
        y=list(names),
        mode="markers",
        name=labels["available"],
        marker={"color": theme.PRIMARY, "size": 12, "symbol": "line-ns", "line": {"width": 4, "color": theme.PRIMARY}},
        hovertemplate="%{x:.1f}<extra>" + labels["available"] + "</extra>",
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title=labels["axis"], rangemode="tozero")
    return dressed(figure, 90 + 26 * len(names))
