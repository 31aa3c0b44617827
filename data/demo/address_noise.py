"""Addresses as people give them: a labelled set for the address linkage, and rougher texts in the demo calls.

Each text is made from a standard address, so the right answer is known; some are made so that there is no right
answer: a house the table does not have, a road it does not have, the same road in another district.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

#: Characters that sound like one another, and others a keyboard offers beside them.
_SOUND_ALIKE = """
    州洲周 青清晴轻 塘唐堂糖 园圆元源苑 西溪熙喜 桥乔侨 湖胡壶 兰蓝澜岚 河和荷合鹤 林临琳邻 平坪萍 福富付
    玉育裕御 龙隆笼 凤奉丰风枫峰 石时实 金今津 永勇咏 长常昌 春椿 秋丘邱 安岸 新心欣 古谷鼓 文闻纹 武五吴 云韵
    松淞 柳六 竹祝 梅美 桂贵 银音 莲连联 明鸣名 望旺 听庭亭 门闷 井景警 塔踏 池迟 渡度杜 浦普铺朴 堤低 岗冈港 坡波
    泉全权 台泰太 阁格 坊方芳 滩坛 墩敦 山杉 岭领 田甜 店甸 解姐 放访 设社 建健 江姜 环还
"""
_ALIKE = {sign: group.replace(sign, "") for group in _SOUND_ALIKE.split() for sign in group}
_OTHER_SIGNS = "光华兴民红星阳月海天大小前后上中下左右双三四高雅丽宝胜利友谊团结"
_TRADITIONAL = {"台": "臺", "号": "號", "区": "區", "云": "雲", "澜": "瀾", "临": "臨", "桥": "橋", "东": "東"}
_FULL_WIDTH = {str(digit): chr(ord("０") + digit) for digit in range(10)}
_DIGITS = "零一二三四五六七八九"
_ELSEWHERE = ("望江区", "北澜区", "云溪县", "澜东区")
_STRANGE_ROADS = (
    "胜利路",
    "团结街",
    "光华大道",
    "红星巷",
    "友谊路",
    "高新一路",
    "宝塔巷",
    "月亮湾路",
    "阳光大道",
    "兴民街",
)
_SHOPS = ("便利店", "菜鸟驿站", "幼儿园", "药店", "小吃店", "理发店", "农贸市场", "网吧")


def chinese_numeral(number: int) -> str:
    """Return 1 to 9999 as it is written in Chinese: 105 → 一百零五, 12 → 十二."""
    text, zero = "", False
    for power, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // power % 10
        if digit:
            text += ("零" if zero else "") + _DIGITS[digit] + sign
            zero = False
        elif text:
            zero = True
    return text[1:] if text.startswith("一十") else text


class Writer:
    """Writes one standard address the way a caller, a clerk or another platform would.

    Parameters
    ----------
    rng
        Draws what goes wrong.
    roughness
        1 for the labelled set; smaller for texts with less noise.
    """

    def __init__(self, rng: np.random.Generator, roughness: float = 1.0) -> None:
        self.rng = rng
        self.roughness = roughness

    def chance(self, share: float) -> bool:
        """Return True in this share of cases, times the roughness."""
        return bool(self.rng.random() < share * self.roughness)

    def write(
        self,
        city: str,
        district: str,
        road: str,
        number: int,
        *,
        before: str = "",
        after: str = "",
        digits_may_slip: bool = True,
    ) -> str:
        """Return the address with noise.

        Parameters
        ----------
        before, after
            What stands between road and number (2段, 8巷), and after the number (3栋); sometimes left out.
        digits_may_slip
            Whether a digit may be mistyped. The text then says another house, and nothing in it shows that.
        """
        if self.chance(0.22):
            road = self._road(road)
        if digits_may_slip and self.chance(0.004):
            number = self._slip(number)
        before = "" if self.chance(0.08) else before
        after = "" if self.chance(0.2) else after
        house, signed = str(number) + "号", True
        if self.chance(0.10):
            house = chinese_numeral(number) + "号"
        elif self.chance(0.08):
            house, signed = str(number), bool(after)
            house += "号" if after else ""
        elif self.chance(0.05):
            house = f"{number:03d}号"
        house += after
        house += self._inside(signed and not after) if self.chance(0.35) else ""
        front = self._front(city, district)
        gap = " " if self.chance(0.3) else ""
        text = f"{front}{road}{before}{gap}{house}"
        if self.chance(0.12):
            text = "".join(_FULL_WIDTH.get(sign, sign) for sign in text)
        if self.chance(0.10):
            text = "".join(_TRADITIONAL.get(sign, sign) for sign in text)
        if self.chance(0.05):
            at = int(self.rng.integers(1, len(text)))
            text = text[:at] + "　" + text[at:]
        return text

    def _front(self, city: str, district: str) -> str:
        if not self.chance(0.55):
            return city + district
        options = (
            *("", "", "", district, district, city, city, city[:-1] + district[:-1], district[:-1]),
            *(f"{district}古渡街道", f"{city}{district}东风社区", "东风社区", f"{district}农贸市场"),
        )
        return str(options[int(self.rng.integers(len(options)))])

    def _road(self, road: str) -> str:
        kind = "大道" if road.endswith("大道") else road[-1]
        name = road[: -len(kind)]
        at = int(self.rng.integers(len(name)))
        slip = self.rng.random()
        if slip < 0.35 and name[at] in _ALIKE:
            other = _ALIKE[name[at]]
            return name[:at] + other[int(self.rng.integers(len(other)))] + name[at + 1 :] + kind
        if slip < 0.55:
            return name
        if slip < 0.70:
            other = _OTHER_SIGNS[int(self.rng.integers(len(_OTHER_SIGNS)))]
            return name[:at] + other + name[at + 1 :] + kind
        if slip < 0.80:
            return name[::-1] + kind if len(name) == 2 else name[1] + name[0] + name[2:] + kind
        return name + ("路" if kind == "大道" else kind)

    def _slip(self, number: int) -> int:
        digits = list(str(number))
        at = int(self.rng.integers(len(digits)))
        digits[at] = str((int(digits[at]) + int(self.rng.integers(1, 10))) % 10)
        return int("".join(digits)) or number

    def _inside(self, with_numerals: bool) -> str:
        # Nobody writes 1023栋 for 102号3栋: without the sign no numeral follows.
        n = self.rng.integers(1, 9, 4)
        shop = _SHOPS[int(self.rng.integers(len(_SHOPS)))]
        options: tuple[str, ...] = ("门口", "附近", "对面", shop, f"({shop})", f"{shop}门口")
        if not with_numerals:
            return str(options[int(self.rng.integers(len(options)))])
        options += (
            f"{n[0]}栋{n[1]}单元{n[2]}0{n[3]}室",
            f"{n[0]}单元{n[1]}楼",
            f"{n[0]}0{n[1]}室",
            f"院内{n[0]}号楼",
        )
        return str(options[int(self.rng.integers(len(options)))])


def label_addresses(
    addresses: pl.DataFrame, *, size: int, seed: int, absent_share: float = 0.2, roughness: float = 1.0
) -> pl.DataFrame:
    """Make texts with the standard address each one means.

    Parameters
    ----------
    addresses
        Canonical table ``addresses`` of the demo city.
    size
        How many texts.
    absent_share
        Share of texts that mean no address of the table.
    roughness
        How much noise; 1 is what the linkage was trained on.

    Returns
    -------
    DataFrame
        ``text``, ``address_code`` (null where none is right), ``kind``: how it was made; and ``part``: ``train``
        (half), ``calibrate``, ``test`` (a quarter each). The parts share no standard address.
    """
    rng = np.random.default_rng(seed)
    groups = addresses["address"].str.extract_groups(
        r"^(?<city>.+?市)(?<district>.+?[区县])(?<community>..社区)?(?<road>.+?(?:大道|路|街|巷|里))"
        r"(?<before>[0-9]*[段巷弄]?) ?(?<number>[0-9]+) 号 ?(?<after>.*)$"
    )
    frame = pl.DataFrame({"address_code": addresses["address_code"], "$groups": groups}).unnest("$groups")
    rows = frame.with_columns(pl.col("number").cast(pl.Int64)).rows(named=True)
    houses = {(row["road"], row["number"]) for row in rows}
    last: dict[str, int] = {}
    for road, number in houses:
        last[road] = max(number, last.get(road, 0))
    part_of = rng.choice(["train", "calibrate", "test"], size=len(rows), p=[0.5, 0.25, 0.25])
    writer = Writer(rng, roughness)
    made: list[tuple[str, str | None, str, str]] = []
    for position in rng.integers(0, len(rows), size).tolist():
        row, part = rows[position], str(part_of[position])
        if rng.random() >= absent_share:
            text = writer.write(
                row["city"],
                # A text with larger areas names the community too; one that names another contradicts the table.
                row["district"] + (row["community"] or ""),
                row["road"],
                row["number"],
                before=row["before"] or "",
                after=row["after"] or "",
            )
            made.append((text, row["address_code"], "present", part))
        else:
            kind = ABSENT[int(rng.integers(len(ABSENT)))]
            made.append((_absent(kind, row, writer, houses, last), None, kind, part))
    schema = {"text": pl.String, "address_code": pl.String, "kind": pl.String, "part": pl.String}
    return pl.DataFrame(made, schema=schema, orient="row")


#: Kinds of texts that mean no address of the table.
ABSENT = (
    "neighbour",
    "sub_number",
    "beyond",
    "strange_road",
    "other_district",
    "road_only",
    "other_kind_of_road",
    "other_part",
    "other_city",
)


def extend_addresses(addresses: pl.DataFrame, *, seed: int, share: float = 0.15) -> pl.DataFrame:
    """Put two addresses with a section, lane, building or unit in the place of some: the demo city itself has none.

    解放路2段15号 and 解放路3段15号 take the place of 解放路15号, so that a text without the section is open. The
    linkage is trained on the extended table: a city whose table has these elements meets a model that knows them.
    """
    rng = np.random.default_rng(seed)
    drawn = addresses.sample(fraction=share, seed=seed).sort("address_code")
    parts = drawn["address"].str.extract_groups(r"^(?<front>.+?) (?<number>[0-9]+) 号$").to_list()
    codes, texts = [], []
    for code, found in zip(drawn["address_code"].to_list(), parts, strict=True):
        first = int(rng.integers(1, 4))
        kind = int(rng.integers(6))
        for nth in (first, first + 1):
            middle = {0: f"{nth}段", 1: f"{nth}巷"}.get(kind, "")
            end = {2: f"{nth}栋", 3: f"{nth}单元", 4: f"之{nth}"}.get(kind, "")
            front = found["front"]
            if kind == 5:
                front = front.replace("区", f"区{('东风', '红旗', '新丰', '和美')[nth - 1]}社区", 1)
            codes.append(f"{code}-{kind}{nth}")
            texts.append(f"{front}{middle} {found['number']} 号{end}")
    extra = pl.DataFrame({"address_code": codes, "address": texts})
    rest = addresses.select("address_code", "address").filter(
        ~pl.col("address_code").is_in(drawn["address_code"].implode())
    )
    return pl.concat([rest, extra])


def _absent(
    kind: str, row: dict[str, object], writer: Writer, houses: set[tuple[str, int]], last: dict[str, int]
) -> str:
    rng = writer.rng
    city, district, road, number = str(row["city"]), str(row["district"]), str(row["road"]), int(str(row["number"]))
    write: Callable[[str, str, str, int], str] = lambda c, d, r, n: writer.write(c, d, r, n, digits_may_slip=False)  # noqa: E731
    if kind == "neighbour":
        free = next((n for n in range(number, number + 400, 2) if (road, n) not in houses), last[road] + 2)
        return write(city, district, road, free)
    if kind == "beyond":
        return write(city, district, road, last[road] + int(rng.integers(2, 300)))
    if kind == "sub_number":
        sub = int(rng.integers(1, 5))
        front = city + district if rng.random() < 0.5 else ""
        return front + road + (f"{number}号之{sub}", f"{number}-{sub}号", f"{number}号附{sub}号")[sub % 3]
    if kind == "strange_road":
        return write(city, district, _STRANGE_ROADS[int(rng.integers(len(_STRANGE_ROADS)))], number)
    if kind == "other_part":
        # Section, lane or building 9 exists nowhere; a building of that number would be one of many at the address.
        before = ("9段", "9巷", "9巷9弄")[int(rng.integers(3))]
        return write(city, district, road + before, number)
    if kind == "other_city":
        return (
            ("江州市", "南浦市")[int(rng.integers(2))] + ("" if rng.random() < 0.5 else district) + road + f"{number}号"
        )
    if kind == "other_district":
        return city + _ELSEWHERE[int(rng.integers(len(_ELSEWHERE)))] + road + f"{number}号"
    if kind == "road_only":
        return (
            (city + district if rng.random() < 0.5 else "") + road + ("附近", "路口", "", "中段")[int(rng.integers(4))]
        )
    stem = road[:-2] if road.endswith("大道") else road[:-1]
    others = [end for end in ("巷", "街", "路", "大道") if stem + end != road and stem + end not in last]
    # A stem whose every kind of way exists in the table has no absent one.
    return write(city, district, (stem + others[0]) if others else _STRANGE_ROADS[0], number)


def roughen(addresses: pl.Series, *, share: float, seed: int) -> pl.Series:
    """Rewrite a share of the texts of the form 云澜市临澜区荷洲路 42 号 the way callers give them; others stay."""
    rng = np.random.default_rng(seed)
    writer = Writer(rng, roughness=0.8)
    chosen = rng.random(len(addresses)) < share
    parts = addresses.str.extract_groups(r"^(?<city>.+?市)(?<district>.+?区)(?<road>.+?) (?<number>\d+) 号$")
    texts = addresses.to_list()
    for position in np.flatnonzero(chosen).tolist():
        found = parts[position]
        if found is not None and found["number"]:
            texts[position] = writer.write(found["city"], found["district"], found["road"], int(found["number"]))
    return pl.Series(addresses.name, texts, dtype=pl.String)
