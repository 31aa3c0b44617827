"""The head of a mapping: force, time zone, reference system, legal basis; what no file tells is asked."""

from __future__ import annotations

from typing import Any

from data.permissions import ALL_FORCES
from data.sources.propose import placing
from data.sources.propose.drafts import Draft
from data.sources.propose.findings import Known, Question


def _is_traditional(draft: Draft) -> bool:
    headers = "".join(profile.header for profile in draft.profiles)
    return draft.sample.keys.get("encoding") == "big5" or any(char in headers for char in "發縣類號點區時間編")


def propose_head(
    name: str, known: Known, spot: tuple[float, float] | None, drafts: list[Draft]
) -> tuple[dict[str, Any], list[Question]]:
    """Return the [source] block, and what in it only the steward can confirm."""
    questions = []
    chinese = any(draft.chinese for draft in drafts)
    zone = known.timezone
    near = placing.likely_zones(spot)
    if zone is None:
        zone = next(iter(near), "Asia/Shanghai" if chinese else "UTC")
        if not near and any(_is_traditional(draft) for draft in drafts):
            zone = "Asia/Taipei"
        why = "the nearest city of the time zone table" if spot else "nothing in the files tells where they are from"
        if chinese and not spot:
            why = "the headers are Chinese"
        questions.append(
            Question("timezone", zone, f"{why}; local times of the files are read in it.", tuple(near[1:4]))
        )
    stated = known.crs if known.crs and placing.is_projected(known.crs) else None
    projected = stated or next((crs for draft in drafts if (crs := draft.projected_crs)), None)
    usual = placing.utm_of(placing.city_of(known.timezone)) or ("EPSG:4547" if chinese else "EPSG:3857")
    analysis = projected or placing.utm_of(spot) or usual
    if projected is None and spot is None:
        questions.append(
            Question(
                "analysis_crs",
                analysis,
                "cells are cut in it: a projected system of the area, in its EPSG code; --near LON,LAT proposes one.",
            )
        )
    if known.legal_basis is None:
        questions.append(
            Question("legal_basis", "to-be-confirmed", "the id under which the catalogue allows this use of the data.")
        )
    if known.jurisdiction is None:
        questions.append(Question("jurisdiction", name, "code and names of the police force the files belong to."))
    # Files called all.csv are of no force of that code: grants mean every force by it.
    force = known.jurisdiction or {ALL_FORCES: "force"}.get(name, name.replace("_", "-"))
    title = name.replace("_", " ").capitalize()
    head = {
        "source": {
            "name": name,
            "title_zh": title,
            "title_en": title,
            "legal_basis": known.legal_basis or "to-be-confirmed",
            "purpose": known.purpose or "workload-and-place-analysis",
            "unconfirmed": [],
            "jurisdiction": {
                "code": force,
                "name_zh": force,
                "name_en": force,
                "timezone": zone,
                "analysis_crs": analysis,
            },
        }
    }
    return head, questions
