"""Fictional Chinese names with their pinyin, built from pools so that no real institution is meant."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

#: First and second syllables of street and community names: character, pinyin.
_FIRST = (
    "东dong 西xi 南nan 北bei 新xin 古gu 文wen 武wu 云yun 青qing 松song 柳liu 枫feng 竹zhu "
    "梅mei 桂gui 春chun 秋qiu 晴qing 和he 平ping 安an 福fu 永yong 长chang 金jin 银yin 石shi "
    "玉yu 龙long 凤feng 鹤he 鹭lu 莲lian 荷he 兰lan 清qing 明ming 望wang 听ting "
)
_SECOND = (
    "桥qiao 门men 湖hu 井jing 塔ta 亭ting 园yuan 池chi 渡du 浦pu 堤di 岗gang 坡po 溪xi "
    "泉quan 台tai 阁ge 苑yuan 坊fang 铺pu 港gang 洲zhou 滩tan 墩dun 林lin 山shan 岭ling 田tian "
    "塘tang 店dian "
)

#: Kinds of way by level: 1 main street, 2 street, 3 lane of the old town.
WAY_SUFFIXES = {
    1: (("大道", "Avenue"), ("路", "Road")),
    2: (("路", "Road"), ("街", "Street")),
    3: (("巷", "Lane"), ("街", "Street"), ("里", "Lane")),
}

#: Stations: Chinese name, English name.
STATIONS = (
    ("古渡派出所", "Gudu Police Station"),
    ("澜桥派出所", "Lanqiao Police Station"),
    ("柳溪派出所", "Liuxi Police Station"),
    ("鹤岗里派出所", "Hegangli Police Station"),
    ("望澜派出所", "Wanglan Police Station"),
    ("新浦派出所", "Xinpu Police Station"),
)
CITY = ("云澜市", "Yunlan City")
DISTRICT = ("临澜区", "Linlan District")
SUB_BUREAU = ("云澜市公安局临澜分局", "Linlan Sub-bureau")

#: Beginnings of fictional trade names.
TRADE_WORDS = "星河 蓝调 半山 听雨 老码头 金樽 夜航 七号 云上 麦田 红豆 城南 江畔 南风 知音 拾光 白鹭 长安里 望月 松果"
TRADE_KINDS = {
    "entertainment_venue": "歌舞厅 KTV 酒吧 网咖 足浴店 棋牌室",
    "hotel": "宾馆 快捷酒店 客栈 旅社",
    "key_business": "典当行 废旧物品回收站 金店 加油站 汽修厂 快递点 印章店",
}


def _pool(text: str) -> list[tuple[str, str]]:
    return [(item[0], item[1:]) for item in text.split()]


def two_syllables(rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """Yield distinct two-character names and their pinyin in a seeded order.

    Parameters
    ----------
    rng
        Generator the order is drawn from.
    """
    first, second = _pool(_FIRST), _pool(_SECOND)
    for index in rng.permutation(len(first) * len(second)):
        (zh_1, py_1), (zh_2, py_2) = first[index // len(second)], second[index % len(second)]
        if zh_1 != zh_2:
            yield zh_1 + zh_2, (py_1 + py_2).capitalize()


def trade_names(rng: np.random.Generator, kind: str, count: int) -> list[str]:
    """Return fictional names of venues, hotels or businesses, numbered where a name repeats.

    Parameters
    ----------
    kind
        A key of ``TRADE_KINDS``.
    count
        How many names are wanted.
    """
    pairs = [word + trade for word in TRADE_WORDS.split() for trade in TRADE_KINDS[kind].split()]
    order = rng.permutation(len(pairs))
    picked = [pairs[order[i % len(pairs)]] for i in range(count)]
    return [name if i < len(pairs) else f"{name}({i // len(pairs) + 1}店)" for i, name in enumerate(picked)]
