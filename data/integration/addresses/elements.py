"""Chinese address text → address elements (地址要素), vectorised: one regular expression over a normalised text.

Elements follow the order in which Chinese addresses are written, from large to small (GB/T 23705, as this project
reads it): province, city, district, town, community, group, road, section, lane, sub-lane, number, estate, building,
unit, floor, room, and what is left. Every element may be missing. The text is never needed again after that: two
addresses are compared element by element.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from data.schemas.links import ELEMENTS

__all__ = ["ELEMENTS", "parse_addresses", "plain_text", "read_numeral"]

#: Variant characters of address words: traditional and simplified forms that one city's platforms mix.
VARIANTS = {
    "臺": "台",
    "號": "号",
    "區": "区",
    "縣": "县",
    "鄉": "乡",
    "鎮": "镇",
    "樓": "楼",
    "棟": "栋",
    "單": "单",
    "層": "层",
    "鄰": "邻",
    "內": "内",
    "對": "对",
    "門": "门",
    "條": "条",
    "莊": "庄",
    "園": "园",
    "東": "东",
    "雲": "云",
    "瀾": "澜",
    "臨": "临",
    "橋": "桥",
    "廣": "广",
    "場": "场",
    "與": "与",
    "間": "间",
    "衖": "弄",
    "○": "〇",
    "～": "~",
    "—": "-",
    "–": "-",
    "－": "-",
    "﹣": "-",
    "−": "-",
}
#: Words that hold the sign of another element: written with a stand-in so that 小区 is not taken for a district.
_STAND_INS = {
    "自治区": "自治區",
    "小区": "小區",
    "社区": "社區",
    "园区": "园區",
    "校区": "校區",
    "厂区": "厂區",
    "景区": "景區",
    "院区": "院區",
    "片区": "片區",
    "街区": "街區",
    "库区": "库區",
    "住宅区": "住宅區",
    "镇路": "鎮路",
    "镇街": "鎮街",
    "镇大": "鎮大",
    "乡路": "鄉路",
    "县路": "縣路",
    "县街": "縣街",
    "市路": "巿路",
    "区路": "區路",
    "村路": "邨路",
    "村街": "邨街",
    "号楼": "栋",
}
_BACK = {"區": "区", "鎮": "镇", "鄉": "乡", "縣": "县", "巿": "市", "邨": "村"}
_NUMERAL = "0-9零〇一二两三四五六七八九十百千"
_N = f"[{_NUMERAL}]+"
#: Stands for the type of a road that the text left out: 解放32号 is read as 解放 + unknown type + 32号.
_NO_TYPE = "¤"
_STRONG = "大道|大街|胡同|公路|高速|路|街|巷|¤"
_WEAK = "弄|里|道|堤|桥|村|庄|条"
#: What may follow a house number written without 号: no unit of another numeral, no sub-number, no letter.
_AFTER_BARE = r"[^0-9号院巷弄段栋幢座单层楼室房户之附~至到\-A-Z邻组支]|附近|$"
_UNTYPED = (
    r"^(.*[省市区县镇乡]|(?:.*街道)|(?:.*社區))?([^0-9路街巷弄里道村庄条号栋幢座單区區市县镇乡]{2,4}?)"
    rf"({_N}号|[0-9]{{1,4}}(?:{_AFTER_BARE}))"
)
_NO_SIGN = rf"(路|街|巷|弄|里|大道|段|¤)([0-9]{{1,5}}(?:-[0-9]{{1,3}})?)({_AFTER_BARE})"

_PATTERN = (
    r"^(?P<province>[^省市区县路街道0-9]{2,8}?(?:省|自治區|特别行政区))?"
    r"(?P<city>[^省市区县路街巷里村号0-9]{2,8}?(?:市|自治州|地区|盟))?"
    r"(?P<district>[^省市区县路街巷里村号0-9]{1,8}?(?:区|县|市|自治旗|[左右前后中]旗))?"
    # Some files write the district twice.
    r"(?:[^省市区县路街巷里村号0-9]{1,4}区)?"
    r"(?P<town>[^市区县路街巷村号0-9]{1,8}?(?:街道|镇|乡))?"
    r"(?P<community_1>[^路街巷弄号0-9]{1,10}?(?:社區|居委会|村委会))?"
    rf"(?:(?P<community_2>[^路街巷弄号0-9]{{1,8}}?(?:里|村))(?:(?P<group_1>{_N})邻)?"
    rf"(?P<road_1>[^0-9号邻]{{2,12}}?(?:{_STRONG})))?"
    rf"(?:(?P<group_2>{_N})(?:邻|组))?"
    rf"(?:(?P<road_2>[^0-9号]{{1,12}}?(?:{_STRONG}))|(?P<road_3>[^0-9号]{{1,8}}?(?:{_WEAK})))?"
    rf"(?:(?P<section>{_N})段)?"
    rf"(?P<lane_name>[^{_NUMERAL}号与和(]{{1,6}}?(?:支路|巷|弄|里|条|胡同))?"
    rf"(?:(?P<lane>{_N})(?:[-~至到]{_N})?巷)?"
    rf"(?:(?P<sub_lane>{_N})(?:[-~至到]{_N})?弄)?"
    rf"(?:(?P<number>{_N})(?:[之附](?P<sub_1>{_N}))?(?:(?P<dash>[-~至到])(?P<second>{_N}))?"
    rf"(?:之{_N})?(?P<letter>[甲乙丙丁A-Z])?号(?:院|门牌)?(?:[之附](?P<sub_2>{_N})号?)?)?"
    rf"(?:(?P<estate>[^{_NUMERAL}A-Z号]{{2,12}})?(?P<building>[{_NUMERAL}A-Z]+)(?:栋|幢|座))?"
    rf"(?:(?P<unit>{_N})单元)?"
    rf"(?:(?P<floor>{_N})(?:层|楼|F))?"
    r"(?:(?P<room>[0-9]{1,5})(?:室|房|户))?"
    r"(?P<suffix>.*)$"
)


def parse_addresses(texts: pl.Series, *, cities: Sequence[str] = (), districts: Sequence[str] = ()) -> pl.DataFrame:
    """Split address texts into elements.

    Parameters
    ----------
    texts
        Addresses as written, in any mix of full-width and half-width characters. Null gives nulls.
    cities, districts
        Names known from the standard addresses; with them 云澜临澜荷洲路 is read as 云澜市临澜区荷洲路.

    Returns
    -------
    DataFrame
        One row per text, in order, with the columns ``ELEMENTS``, all text, null where the text names nothing.

    Notes
    -----
    A hyphen between two numbers is a range when the second is larger (31-60号), else a sub-number (12-3号). A road
    written without its type (解放32号) keeps the bare name. A road name that begins with a place of its own kind
    (三里河路) is kept whole unless a name of two characters or more follows 里 or 村.
    """
    unique = texts.unique().drop_nulls()
    groups = pl.DataFrame({"$text": unique}).with_columns(
        _plain(pl.col("$text"), (cities, districts)).str.extract_groups(_PATTERN).alias("$groups")
    )
    found = groups.unnest("$groups").with_columns(
        # A group that took part but matched nothing is empty text, not null.
        pl.when(pl.col(name).str.len_chars() > 0).then(pl.col(name)).alias(name)
        for name in re.compile(_PATTERN).groupindex
    )
    found = _numerals_to_digits(found, [*_NUMERAL_GROUPS])
    second, number = pl.col("second").cast(pl.Int64, strict=False), pl.col("number").cast(pl.Int64, strict=False)
    ranged = pl.col("dash").is_in(["~", "至", "到"]) | (second > number)
    # 长湖里5号: the 里 is the road itself when no road follows.
    elements = found.select(
        "$text",
        "province",
        "city",
        "district",
        "town",
        pl.coalesce("community_1", "community_2").alias("community"),
        pl.coalesce("group_1", "group_2").alias("group"),
        pl.coalesce("road_1", "road_2", "road_3").str.strip_suffix(_NO_TYPE).alias("road"),
        "section",
        "lane_name",
        "lane",
        "sub_lane",
        "number",
        pl.coalesce("sub_1", "sub_2", pl.when(~ranged).then("second"), "letter").alias("number_sub"),
        pl.when(ranged).then("second").alias("number_to"),
        "estate",
        "building",
        "unit",
        "floor",
        "room",
        pl.col("suffix").alias("suffix"),
    ).with_columns(
        pl.col("province", "city", "district", "town", "community", "road", "estate", "suffix").str.replace_many(_BACK)
    )
    keyed = pl.DataFrame({"$text": texts})
    return keyed.join(elements, on="$text", how="left", maintain_order="left").select(ELEMENTS)


_NUMERAL_GROUPS = (
    "group_1",
    "group_2",
    "section",
    "lane",
    "sub_lane",
    "number",
    "sub_1",
    "sub_2",
    "second",
    "building",
    "unit",
    "floor",
    "room",
)


def plain_text(texts: pl.Series) -> pl.Series:
    """Return texts in one way of writing: half-width, one variant of each character, no spaces or brackets."""
    return pl.DataFrame({"$text": texts}).select(_written(pl.col("$text"))).to_series().alias(texts.name)


def _written(text: pl.Expr) -> pl.Expr:
    plain = text.str.normalize("NFKC").str.to_uppercase().str.replace_many(VARIANTS)
    return plain.str.replace_all(r"[\s()\[\]【】,，、.。;；:：#\"'“”]+", "")


def _plain(text: pl.Expr, known: tuple[Sequence[str], Sequence[str]]) -> pl.Expr:
    """Return the text the pattern reads: one way of writing, stand-ins, signs that were left out."""
    marked = _written(text).str.replace_many(_STAND_INS)
    before = ""
    for names in known:
        before += "(?:" + "|".join([*(re.escape(name) for name in names), ""]) + ")"
        for name in names:
            # Two characters before the type: the 大道 of 临澜大道 and the 北路 of 临澜北路 are no roads of their own.
            rest = rf"[^0-9省市区县路街大道][^0-9省市区县路街]{{1,11}}?(?:{_STRONG}|{_WEAK}|{_N}号|[0-9])"
            marked = marked.str.replace(rf"^({before}){re.escape(name[:-1])}({rest})", f"${{1}}{name}${{2}}")
    typed = marked.str.replace_all("街道", "").str.contains(rf"{_STRONG}|{_WEAK}")
    roads = pl.when(typed).then(marked).otherwise(marked.str.replace(_UNTYPED, f"${{1}}${{2}}{_NO_TYPE}${{3}}"))
    return roads.str.replace(_NO_SIGN, "${1}${2}号${3}")


def _numerals_to_digits(frame: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    values = pl.concat([frame[name].rename("value") for name in columns]).drop_nulls().unique()
    digits = pl.DataFrame({"value": values, "digits": [read_numeral(value) for value in values]})
    return frame.with_columns(
        pl.col(name).replace_strict(digits["value"], digits["digits"], default=None, return_dtype=pl.String)
        for name in columns
    )


_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_POWERS = {"十": 10, "百": 100, "千": 1000}


def read_numeral(numeral: str) -> str:
    """Return a Chinese, mixed or ASCII numeral as ASCII digits without leading zeros; letters stay as they are.

    三十二, 三二, 叁 excepted, and 32 all give ``32``; 一百零五 gives ``105``; A gives ``A``.
    """
    if not any(sign in _POWERS for sign in numeral):
        read = "".join(str(_DIGITS[sign]) if sign in _DIGITS else sign for sign in numeral)
        return read.lstrip("0") or "0" if read.isdigit() else read
    total, pending = 0, ""
    for sign in numeral:
        if sign in _POWERS:
            total += (int(pending) if pending.strip("0") else 1) * _POWERS[sign]
            pending = ""
        else:
            pending += str(_DIGITS.get(sign, sign))
    return str(total + int(pending or 0)) if (pending or "0").isdigit() else numeral
