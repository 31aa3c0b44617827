"""Places and the people counted in them: areas, standard addresses, base map, population counts.

Analytics sees counts by area and month, never a row about a person.
"""

from __future__ import annotations

import dataframely as dy

from data.schemas.columns import AREA_LEVELS, BASE_MAP_KINDS, Provenance, about, code, text


class Areas(Provenance):
    """One row per area and period of validity. Parents chain community → beat → station → sub-bureau.

    A force that has only one level fills that level; a code is unique within its level and jurisdiction.
    """

    area_code = code("区域代码", "Code of the area, opaque text", nullable=False)
    level = dy.Enum(AREA_LEVELS, nullable=False, metadata=about("层级", "Level of the area"))
    parent_code = code("上级代码", "Area one level up")
    name_zh = text("中文名称", "Chinese name")
    name_en = text("英文名称", "English name")
    valid_from = dy.Date(nullable=True, metadata=about("生效日期", "First day the boundary holds; null = always"))
    valid_to = dy.Date(nullable=True, metadata=about("失效日期", "First day it no longer holds; null = open"))
    geometry = dy.Binary(nullable=True, metadata=about("边界", "WKB polygon or multipolygon, EPSG:4326"))
    area_km2 = dy.Float64(nullable=True, min=0, metadata=about("面积", "Area in square kilometres"))


class Addresses(Provenance):
    """One row per standard address (标准地址) down to the building. The root key of the population platform."""

    address_code = code("标准地址编码", "Code of the standard address", 2, nullable=False)
    address = text("标准地址", "Full text", 3, nullable=False)
    road = text("路街巷", "Road or lane")
    community_code = code("社区", "Community it lies in")
    lon = dy.Float64(nullable=True, metadata=about("经度", "Longitude, EPSG:4326", 2))
    lat = dy.Float64(nullable=True, metadata=about("纬度", "Latitude, EPSG:4326", 2))
    households = dy.Int32(nullable=True, min=0, metadata=about("户数", "Households at the address", 3))


class BaseMap(Provenance):
    """Lines and shapes drawn under the advice, so that maps work on an isolated network."""

    feature_id = code("要素编号", "Key of the feature", nullable=False)
    kind = dy.Enum(BASE_MAP_KINDS, nullable=False, metadata=about("类别", "What it is"))
    name_zh = text("中文名称", "Chinese name")
    name_en = text("英文名称", "English name")
    geometry = dy.Binary(nullable=False, metadata=about("几何", "WKB line or polygon, EPSG:4326"))


class Population(Provenance):
    """One row per area, month and population class. Values may be fractional (areal interpolation)."""

    area_code = code("区域代码", "Area the count is for", nullable=False)
    month = dy.Date(nullable=False, metadata=about("月份", "First day of the month"))
    population_class = code(
        "人口类别",
        "registered, floating, lodging, overseas, unsettled, total, households, moves_in, moves_out, elderly_alone, rentals",
        nullable=False,
    )
    count = dy.Float64(nullable=False, min=0, metadata=about("数量", "People, households or objects", 2))
