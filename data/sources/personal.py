"""Headers that hold personal data by their name. Such a column is dropped while reading, whatever a mapping says.

The lists follow the field names of call records described in ``docs/sources.md`` and common Chinese and English
wording. A mapping adds headers of its own system with ``personal = [...]``.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

#: Exact names: pinyin initials of common 110 call records (caller, handset owner, operator, identity number).
NAMES = frozenset(
    {
        "bjdh",
        "bjr",
        "bjdhyhdz",
        "bjdhyhxm",
        "bjrsfzh",
        "bjrsfzhm",
        "bjrxb",
        "bjrxm",
        "cdrxm",
        "cjr",
        "cjrxm",
        "czrxm",
        "dsrsfzh",
        "dsrxm",
        "fkrxm",
        "gmsfhm",
        "gxrxm",
        "jjyxm",
        "lxdh",
        "lxrdh",
        "lxrxm",
        "pjrxm",
        "sfzdry",
        "sfzh",
        "sfzhm",
        "sidentitycardno",
        "sjh",
        "sjhm",
        "sphonelocation",
        "xm",
        "zdrybj",
        "zjhm",
        # A header that names a person and nothing else holds the name.
        *("报警人", "報警人", "报案人", "報案人", "当事人", "當事人", "联系人", "聯絡人", "受害人", "被害人", "嫌疑人"),
        *("出警人", "出警民警", "处警人", "处警民警", "接警人", "接警员", "处理人", "办案人", "办案民警", "主办民警"),
        *("户主", "戶主", "房主", "业主", "業主", "租客", "承租人", "法人", "法定代表人", "负责人", "負責人"),
        *("caller", "complainant", "reportingparty", "victim", "suspect", "witness"),
    }
)

#: Wording that marks a header as personal wherever it occurs in it.
WORDING = re.compile(
    "姓名|身份证|身分證|证件号|證件號|手机|手機|电话|電話|联系方式|聯絡方式|机主|重点人员|护照|護照|驾驶证|银行卡|微信号"
    "|phonenum|phoneno|callerphone|telephone|mobilephone|mobileno|callername|fullname|firstname|lastname|surname"
    "|(victim|suspect|complainant|witness|driver|tenant|resident|householder|reportingparty)s?name"
    # Age, sex and origin of single people in published crime data; counts of an area are told otherwise.
    "|^(vict?|victim|susp|suspect|offender|arrestee|complainant)s?(age|sex|gender|race|descent|ethnicity)"
    "|^(victim|suspect|offender|complainant|witness)s?(home|business)?(address|apartment|phone|zipcode|zip|businessname)"
    "|ownername|operatorname|officer(#?\\d)?(full)?name|officer(#?\\d)?(badge|collar)?(id|no|num|number)$|badge(no|num|number|id)$"
    "|collar(no|num|number)$|idcard|identitycard|identityn|passport|dateofbirth|birthdate|datanascimento|licen[sc]eplate"
)


def without_bom(header: str) -> str:
    """Return a header without surrounding blanks and byte order mark; one encoded twice reads as ``ï»¿``."""
    return header.replace("\ufeff", "").replace("ï»¿", "").strip()


@lru_cache(maxsize=10_000)
def key_of_header(header: str) -> str:
    """Return the form in which headers are compared: no case, spaces, hyphens, underscores, BOM; NFKC characters."""
    return re.sub(r"[\s_\-]+", "", unicodedata.normalize("NFKC", without_bom(header))).casefold()


@lru_cache(maxsize=10_000)
def is_personal(header: str) -> bool:
    """Return whether a header names personal data."""
    key = key_of_header(header)
    return key in NAMES or WORDING.search(key) is not None
