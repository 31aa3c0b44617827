"""Charts of the model page as Plotly figures; none draws."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Any

import plotly.graph_objects as go

from pages.ui import theme
from pages.ui.figures import dressed
from pages.ui.formats import share

#: Ticks of a share on a logarithmic axis.
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
#: Line of each series in order: colour, dash. Dash and words tell series apart without colour.
LINES = (
    (theme.PRIMARY, "solid"),
    (theme.ACCENT, "dash"),
    (theme.SERIES[2], "dot"),
    (theme.QUIET, "longdash"),
)


def hit_rate_curves(
    curves: Sequence[tuple[str, Sequence[dict[str, Any]], bool]], *, budget_share: float | None, labels: dict[str, str]
) -> go.Figure:
    """Draw the share of incidents caught against the share of area covered.

    Parameters
    ----------
    curves
        ``(words, points, with band)``; points have ``area_share``, ``hit_rate``, ``low``, ``high``.
    budget_share
        Share of area of the edition's list, marked by a line.
    labels
        Words for ``x``, ``y`` and ``budget``.

    Notes
    -----
    The area axis is logarithmic: a list covers one or two per cent of a city.
    """
    figure = go.Figure()
    for (name, points, with_band), (colour, dash) in zip(curves, LINES, strict=False):
        x = [point["area_share"] for point in points]
        if with_band:
            _draw_band(figure, x, points, colour)
        y = [point["hit_rate"] for point in points]
        told = [f"{share(point['area_share'], 2)} → {share(point['hit_rate'], 1)}" for point in points]
        _draw_line(figure, x, y, name, colour, dash, told=told)
    if budget_share:
        figure.add_vline(x=budget_share, line={"color": theme.INK, "width": 1, "dash": "dot"})
        # On a logarithmic axis a note stands at the logarithm, a line at the value.
        figure.add_annotation(
            x=log10(budget_share), y=0.03, text=labels["budget"], showarrow=False, xanchor="left", xshift=4
        )
    figure.update_xaxes(
        type="log", tickvals=list(SHARES), ticktext=[f"{100 * v:g}%" for v in SHARES], title=labels["x"]
    )
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02], title=labels["y"])
    return dressed(figure, 380)


def calibration_points(bands: Sequence[dict[str, Any]], *, labels: dict[str, str]) -> go.Figure:
    """Draw observed against expected incidents per place, one point per band; on the line both are equal.

    Parameters
    ----------
    bands
        ``expected``, ``observed``, ``observed_low``, ``observed_high`` and ``places``; the first is the list itself.
    labels
        Words for ``bands``, ``listed``, ``equal``, ``x`` and ``y``.
    """
    figure = go.Figure()
    # A band without any incident has no place on a logarithmic axis; its interval reaches down to the edge.
    edge = min((row["expected"] / row["places"] for row in bands), default=0.01) / 3
    top = max((max(row["expected"], row["observed_high"]) / row["places"] for row in bands), default=1.0) * 1.6
    figure.add_scatter(
        x=[edge, top],
        y=[edge, top],
        mode="lines",
        name=labels["equal"],
        line={"color": theme.QUIET, "dash": "dot", "width": 1.5},
        hoverinfo="skip",
    )
    kinds = (
        (bands[1:], labels["bands"], {"color": theme.PRIMARY, "size": 9}),
        (bands[:1], labels["listed"], {"color": theme.ACCENT, "size": 13, "symbol": "diamond"}),
    )
    for rows, name, marker in kinds:
        seen = [max(row["observed"] / row["places"], edge) for row in rows]
        figure.add_scatter(
            x=[row["expected"] / row["places"] for row in rows],
            y=seen,
            mode="markers",
            name=name,
            marker=marker,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [row["observed_high"] / row["places"] - at for row, at in zip(rows, seen, strict=True)],
                "arrayminus": [
                    at - max(row["observed_low"] / row["places"], edge) for row, at in zip(rows, seen, strict=True)
                ],
                "color": marker["color"],
            },
            hovertemplate="%{x:.3g} → %{y:.3g}<extra>" + name + "</extra>",
        )
    ticks = [m * 10.0**e for e in range(-5, 4) for m in (1, 3)]
    shown = [tick for tick in ticks if edge <= tick <= top]
    for axis, title in ((figure.update_xaxes, labels["x"]), (figure.update_yaxes, labels["y"])):
        axis(
            type="log",
            range=[log10(edge), log10(top)],
            tickvals=shown,
            ticktext=[f"{tick:g}" for tick in shown],
            title=title,
        )
    return dressed(figure, 380)


def ratios_by_group(rows: Sequence[tuple[str, float, float, float | None]], *, axis: str) -> go.Figure:
    """Draw expected / observed per group with its interval; right of 1 too much was told, left of it too little.

    Parameters
    ----------
    rows
        ``(words, ratio, low, high)``; a group without an upper end has too few incidents to have one.
    """
    names = [name for name, *_ in rows]
    highs = [high if high is not None else ratio for _, ratio, _, high in rows]
    figure = go.Figure(
        go.Scatter(
            x=[ratio for _, ratio, _, _ in rows],
            y=names,
            mode="markers",
            marker={"color": theme.PRIMARY, "size": 10},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - ratio for (_, ratio, _, _), high in zip(rows, highs, strict=True)],
                "arrayminus": [ratio - low for _, ratio, low, _ in rows],
                "color": theme.PRIMARY,
            },
            hovertemplate="%{y}: %{x:.2f}<extra></extra>",
            showlegend=False,
        )
    )
    figure.add_vline(x=1, line={"color": theme.QUIET, "width": 1.5, "dash": "dot"})
    ticks = (0.25, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
    low = min([0.75, *[low for _, _, low, _ in rows]])
    figure.update_xaxes(
        type="log",
        tickvals=list(ticks),
        ticktext=[f"{tick:g}" for tick in ticks],
        range=[log10(max(low, 0.1) * 0.92), log10(min(max([1.35, *highs]), 10) * 1.08)],
        title=axis,
    )
    figure.update_yaxes(autorange="reversed")
    return dressed(figure, 90 + 28 * max(len(rows), 1))


def feedback_lines(series: Sequence[tuple[str, Sequence[dict[str, Any]]]], *, labels: dict[str, str]) -> go.Figure:
    """Draw how far visits are from the truth, period by period, one line and band per learning rule.

    Parameters
    ----------
    series
        ``(words, rows)``; rows have ``period``, ``value``, ``low``, ``high``.
    labels
        Words for ``x`` and ``y``.
    """
    figure = go.Figure()
    for (name, rows), (colour, dash) in zip(series, LINES, strict=False):
        x = [row["period"] for row in rows]
        _draw_band(figure, x, rows, colour)
        told = [f"{row['period']}: {share(row['value'], 1)}" for row in rows]
        _draw_line(figure, x, [row["value"] for row in rows], name, colour, dash, told=told)
    figure.update_xaxes(title=labels["x"], rangemode="tozero")
    figure.update_yaxes(title=labels["y"], tickformat=".2~%", rangemode="tozero")
    return dressed(figure, 340)


def _draw_line(
    figure: go.Figure, x: Sequence[float], y: Sequence[float], name: str, colour: str, dash: str, *, told: Sequence[str]
) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        name=name,
        line={"color": colour, "dash": dash, "width": 2.3},
        text=told,
        hovertemplate=f"%{{text}}<extra>{name}</extra>",
    )


def _draw_band(figure: go.Figure, x: Sequence[float], rows: Sequence[dict[str, Any]], colour: str) -> None:
    """Draw the stretch from ``low`` to ``high`` of each row behind its line."""
    red, green, blue, _ = theme.rgb(colour)
    figure.add_scatter(
        x=[*x, *reversed(x)],
        y=[*(row["high"] for row in rows), *(row["low"] for row in reversed(rows))],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},0.14)",
        showlegend=False,
        hoverinfo="skip",
    )
