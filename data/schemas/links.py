"""What the address linkage found. Links go from an incident to a place, never to a person."""

from __future__ import annotations

import dataframely as dy

from data.schemas.columns import about, code, text

#: Elements of an address in the order they are written. ``number_sub`` is 之/- (12之3号), ``number_to`` the end of a
#: range (91~120号).
ELEMENTS = (
    "province",
    "city",
    "district",
    "town",
    "community",
    "group",
    "road",
    "section",
    "lane_name",
    "lane",
    "sub_lane",
    "number",
    "number_sub",
    "number_to",
    "estate",
    "building",
    "unit",
    "floor",
    "room",
    "suffix",
)
#: Outcomes of the linkage: taken, put before the data steward, no standard address found.
LINK_OUTCOMES = ("match", "review", "none")
#: How exactly the address text tells the place, from best to none.
LINK_LEVELS = ("unit", "building", "road", "community", "none")
#: What decided: all elements agree, the calibrated model, the data steward.
LINK_METHODS = ("exact", "model", "steward")


class AddressLinks(dy.Schema):
    """One row per incident whose call has an address text. Derived when a snapshot is written; never loaded.

    The text itself is not here: it stays in ``calls``, grade 4.
    """

    incident_id = dy.String(
        nullable=False, min_length=1, primary_key=True, metadata=about("警情编号", "Key of the incident", 2)
    )
    source = code("来源系统", "Mapping that read the call", nullable=False)
    address_code = code("标准地址编码", "Standard address linked or proposed; null where none is", 3)
    probability = dy.Float64(
        nullable=False, min=0, max=1, metadata=about("概率", "That the best candidate is meant, calibrated", 2)
    )
    outcome = dy.Enum(LINK_OUTCOMES, nullable=False, metadata=about("关联结果", "match, review or none", 2))
    method = dy.Enum(LINK_METHODS, nullable=False, metadata=about("判定方式", "exact, model or steward", 2))
    level = dy.Enum(LINK_LEVELS, nullable=False, metadata=about("定位级别", "How exactly the text tells the place", 2))
    lon = dy.Float64(nullable=True, metadata=about("经度", "Of the address, or the nearest number on its road", 3))
    lat = dy.Float64(nullable=True, metadata=about("纬度", "Of the address, or the nearest number on its road", 3))
    differences = dy.List(
        dy.String(nullable=False),
        nullable=False,
        metadata=about("差异", "Elements that do not simply agree, as element:relation", 2),
    )
    text_key = text("文本键", "Digest of the address text, key of the review queue", 3, nullable=False)
