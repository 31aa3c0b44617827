"""What upstream systems call things: header → canonical column, in Chinese, English and pinyin initials.

Used by ``data.sources.propose`` only. A name is a hint, never a proof: the values of the column must agree. The pinyin
initials are those of the field lists in ``docs/glossary.md``; the English ones are those of published police data.
"""

from __future__ import annotations

import re
from functools import lru_cache

from data.sources.personal import key_of_header

#: Confidence that a name of the first and of the second list gives.
STRONG, WEAK = 0.95, 0.7

#: Table → canonical column (or time.*, point.*) → expressions that must match a whole header key: sure, and less sure.
NAMES: dict[str, dict[str, tuple[str, str]]] = {
    "calls": {
        "call_id": (
            "jjdbh|jqbh|ajbh|接警单编号|接警编号|接处警编号|警情编号|案件编号|call(id|number|no|num)|uid"
            "|(master)?incident(id|num|number|no|key)|case(id|number|no|num)|cadeventnumber|event(id|number|no|uniqueid)"
            "|crimeid|recordid|complaint(id|number|no)?|cmplntnum|cfsnumber|reportnumber|referencenumber|drno|inc(ident)?(id|num|no|number)|incidentnumberw/?year|nopditem|(go)?primarykey|ccn|ccr|gonumber|item(no|num|number)|servicenumber(id)?|dckey",
            "id|编号|編號|objectid|[a-z]*(id|no|num|nbr|number)",
        ),
        "parent_call_id": ("gljjdbh|关联接警单(编号)?|parent(call|incident)(id|number)|mastercallid", ""),
        "link_type": ("gllx|关联类型|linktype", ""),
        "channel": (
            "bjfs|报警方式|接警方式|call(source|origin|groups?)|channel|howreceived|intakechannel",
            "source|origin",
        ),
        "level": (
            "jqdj(dm)?|警情(级别|等级)|priority(code|level|desc|description)?|urgency|callpriority",
            "级别|level",
        ),
        "reported_at": (
            "bjsj|报警时间|report(ed)?(at|date|on|datetime|time|dt)|date(time)?(reported|received)|received(date|at|time|datetime)"
            "|call(time|datetime|date|received.*)|(original)?timequeued|queuedtime|create(d)?(at|time|date|datetime).*|timecreate"
            "|rptd?dt|daterptd|responsedate|callcreated.*",
            "报案时间|立案时间|reported",
        ),
        "answered_at": ("jjsj|接警时间|answered(at|time)|callanswered.*", ""),
        "known_on": ("rksj|rkrq|入库(日期|时间)|publish(ed)?(on|date)|posted(on|date)|loadedon", ""),
        "time.at": (
            "jqfssjq?|fssjq?|发生(时间|日期)起?|案发(时间|日期)|發生(時間|日期)|occurr?(ed|ence)?(at|on|from|date|datetime|time|start|fromdate)?"
            "|occ(date|datetime|fromdate)|dateocc(ur(r?ed)?)?|datetime(occur(r?ed)?)?|(incident|event|crime|offen[sc]e)(date|datetime|time|dt|start)"
            "|incidentdatetime|date(time)?start|startdate(time)?|fromdate(time)?|from(dt)?|cmplntfrdt|datesingle|incidentoccurred"
            "|(first)?occurr?(ed|ence)(on)?(date|datetime|timestamp)|(incident|event|crime|offen[sc]e)timestamp"
            "|date1?of(occurrence|incident|offen[sc]e|crime)",
            "date|day|日期|时间|時間|timestamp|time|dt|datetimestamp|datum",
        ),
        "time.until": (
            "jqfssjz|发生(时间|日期)止|occurr?(ed)?(to|end|until|todate)|date(time)?end|enddate(time)?|todate(time)?|cmplnttodt"
            "|lastoccurrence(date|datetime)?|date2of(occurrence|incident|offen[sc]e)",
            "endtime|until",
        ),
        "time.month": ("month|月份|yearmonth|发生月份|monthoccurred|reportmonth", "月|period"),
        "time.slot": ("發生時段|发生时段|时段|時段|timeslot", ""),
        "time.clock": (
            "(occurr?(ed|ence)?|incident|event|crime|offen[sc]e|report(ed)?|from|start)?(time|hour)(occ(urred)?)?|timeocc|cmplntfrtm"
            "|occhour|time1?of(occurrence|incident|offen[sc]e|crime)|发生时刻|小时|钟点|hourofday",
            "hour",
        ),
        "category": (
            "jqlb(dm|mc)?|警情类别(代码)?|报警类别(代码)?|案类|案類|(crime|offen[sc]e|incident|event|ucr|call)?category(description|id|name)?"
            "|(crime|offen[sc]e|incident|event|primary|call)type(code|desc|description)?|mci(category)?|(final)?calltype(description)?"
            "|nature(ofcall|code)?|primaryoffen[sc]e|offen[sc]e(codegroup|group|class)?|typeof(incident|crime|offen[sc]e)|textgeneralcode|crime(group|class|name)?|ofnsdesc|crmcddesc|typecrime|natureofincident",
            "type|类别|類別|案由|罪名|incident|problem|callcategory|ucrgroup|charge",
        ),
        "category_intake": (
            "jq[xlz]ldm|jqlxdm|jqzldm|报警(类型|细类|子类)(代码)?|initialcalltype|typeofcall|iucr|fbicode|(offen[sc]e|crime|ucr|nibrs)code|crmcd|kycd"
            "|callcode|subtype|subcategory",
            "code|类型|細類",
        ),
        "category_final": ("fkjq[lx][bxl](dm)?|反馈(类别|类型)(代码)?|final(call|case|incident)type|closingtype", ""),
        "category_name": (
            "jq[lx][bxl]mc|(警情|类别|案由)名称|(crime|offen[sc]e|case|calltype|incident|secondary)?desc(ription)?|casedesc|pddesc"
            "|secondarytype|legenddescription|typetext",
            "name|名称",
        ),
        "address": (
            "jqdz|sfdz|afdz|afdd|sfdd|fadd|事发(地址|地点)|案发(地址|地点)|發生地點|发生地[点址]|(incident|block|full|street|event)?address(public|line1)?"
            "|location(address|description1)?|block|hundredblock|ileadsaddress|streetaddress|on?street(name)?|blockaddress",
            "地址|地点|place|street|where|locality",
        ),
        "unit_code": (
            "gxdw(dm|bm|mc)?|管辖单位(代码|名称)?|派出所(代码|名称)?|分局|(police)?(district|precinct|division|station)(code|no|num|id|name)?"
            "|pct(no)?|addrpct(cd)?|distno|stationarea|policearea",
            "area(id|name)?|(dc)?dist|unit|bureau|所属单位|force",
        ),
        "beat_code": (
            "jwq(dm|bm|mc)?|警务区(代码|名称)?|责任区(代码)?|(police|patrol)?beat(code|no|num|id)?|patrolarea",
            "zone|sector|grid|post|psa|scoutcararea",
        ),
        "community_code": (
            "sq(dm|bm|mc)|社区(代码|名称|编码)?|居委会(代码)?|community(area)?(code|id|no|name)?|neighbou?rhood(s|code|id|name|158|140)?"
            "|hood(id|158|140)?|lsoa(code|21cd|11cd)?|村里|里別|analysisneighborhood",
            "ward|rptdist(no)?|reporting(area|district)|行政區|乡镇|街道|comarea|tract|cnsblock|municipality|town(ship)?",
        ),
        "invalid": ("wxbs|无效(标识|警情)?|是否无效|invalid|unfounded", ""),
        "confidential": ("sfbm|保密|是否保密|confidential", ""),
        "weight": ("", "count"),
    },
    "dispatches": {
        "dispatch_id": ("pjdbh|派警单编号|处警单编号|dispatch(id|no|number)", ""),
        "call_id": (
            "jjdbh|接警单编号|警情编号|call(id|number|no)|(master)?incident(id|num|number|no)|case(number|no)",
            "id|recordid",
        ),
        "unit_code": ("cjdw(dm|bm)|处警单位(代码)?|出警单位(代码)?|unit(id|code)?|respondingunit|callsign", ""),
        "dispatched_at": (
            "pjsj|派警时间|dispatch(ed)?(date|time|at|datetime|dt)?|timedispatch(ed)?|firstunitassigned.*|assigned(at|time)",
            "",
        ),
        "signed_at": ("pdqssj|qssj|签收时间|acknowledged(at|time)|signedat", ""),
        "departed_at": ("cjsj(01)?|出警时间|enroute(date|time|at|datetime|dt)?|departed(at|time)", ""),
        "arrived_at": (
            "ddxcsj|ddsj|到达(现场)?时间|(at|on)scene(date|time|at|datetime|dt)?|arriv(ed|al|e)(at|time|date|datetime|dt)?|time(arrived?|onscene)|(first)?(unit)?on?scenetime",
            "",
        ),
        "cleared_at": (
            "xcclwbsj|clwbsj|处置完毕时间|clear(ed|ance)?(date|time|at|datetime|dt)?|closed?(date|time|at)?|completed(at|time)|time(closed?|cleared?)",
            "",
        ),
        "officers": ("cdrc|出动(人次|人数)|officers?(count)?|numofficers", ""),
        "vehicles": ("cdcc|出动车次|vehicles?", ""),
    },
    "feedbacks": {
        "feedback_id": ("fkdbh|反馈单编号|feedback(id|no|number)", ""),
        "call_id": ("jjdbh|接警单编号|call(id|number|no)", ""),
        "dispatch_id": ("pjdbh|派警单编号|dispatch(id|no|number)", ""),
        "feedback_at": ("fksj|反馈时间|feedback(at|time|date)", ""),
        "category_final": ("fkjq[lx][bxl](dm)?|反馈(类别|类型|细类)(代码)?|jq[lx][bxl]dm|final(call|case)type", ""),
        "outcome": ("jqcljg(dm)?|cljg(dm)?|处理结果(代码)?|outcome|disposition(code)?", ""),
        "invalid": ("wxbs|无效(标识|警情)?|invalid|unfounded", ""),
    },
    "addresses": {
        "address_code": ("bzdzbm|dzbm|标准地址(编码|代码)|地址编码|address(code|id)", ""),
        "address": ("bzdz(mc|qc)?|dzmc|dzqc|标准地址(全称|名称)?|地址(全称)?|address|fulladdress", ""),
        "road": ("jlx(mc|dm)?|街路巷(名称)?|路街巷|road(name)?|street(name)?", ""),
        "community_code": ("sq(dm|bm)|社区(代码|编码)?|community(code|id)?", ""),
        "households": ("hs|户数|households", ""),
        "point.x": ("", ""),
    },
    "population": {
        "area_code": (
            "sq(dm|bm)|社区(代码|编码|名称)?|村里|里別|区域别代码|區域別代碼|barrio|colonia|bairro|quartier|suburb|geoid\\d*|nid|comareaid|(area|community|neighbou?rhood|lsoa|ward|tract|block)(code|id|num|cd)|lsoa11cd|gssid|jwqdm",
            "[a-z]*code|id|区域代码|(police)?(district|neighbou?rhood|ward|community|precinct)(name)?|所属派出所|派出所(名称)?",
        ),
        "month": ("month|月份|ny|统计(年)?月份?|統計年月|统计年月|年月|yearmonth", ""),
        "population_class": ("rklb|人口类别|populationclass", ""),
        "count": (
            "rks|人[口][数數]?.*|实有人口[数]?|常住人口[数]?|總人口.*|总人口.*|population|pop(ulation)?(\\d{2}|\\d{4})?|popest|total_?(population|persons)"
            "|pop_?total|persons|人口总数|poblacion(total)?|populacao|einwohner(zahl)?|residents|p1_?001n",
            "count|total|数量",
        ),
    },
    "shifts": {
        "unit_code": ("dwdm|gxdwdm|单位(代码)?|unit(code)?|station(code)?", ""),
        "shift_code": ("bcdm|班次(代码)?|shift(code|id)?", ""),
        "name_zh": ("bcmc|班次名称", ""),
        "start_hour": ("kssj|开始(时刻|时间)|start(hour|time)", ""),
        "hours": ("sc|时长|hours|durationhours", ""),
        "established": ("bzs|编制数?|established", ""),
        "available": ("sys|实有数?|available", ""),
    },
    "visit_register": {
        "object_id": ("dxbh|zfdxbh|走访对象编号|对象编号|objectid", ""),
        "visit_kind": ("zflb(dm)?|dxlb(dm)?|走访类别|visitkind", ""),
        "grade": ("dj|等级|grade", ""),
        "label": ("dxmc|对象名称|场所名称|label", ""),
        "address_code": ("bzdzbm|dzbm|标准地址编码|addresscode", ""),
        "community_code": ("sq(dm|bm)|社区(代码)?|communitycode", ""),
        "beat_code": ("jwq(dm|bm)|警务区(代码)?|beat(code)?", ""),
        "opened_on": ("lgrq|列管日期|openedon", ""),
        "closed_on": ("cgrq|撤管日期|closedon", ""),
    },
    "visits": {
        "visit_id": ("zfbh|走访编号|visitid", ""),
        "object_id": ("dxbh|zfdxbh|走访对象编号|对象编号|objectid", ""),
        "visit_kind": ("zflb(dm)?|走访类别|visitkind", ""),
        "beat_code": ("jwq(dm|bm)|警务区(代码)?|beat(code)?", ""),
        "visited_at": ("zfsj|走访时间|visitedat", ""),
        "contact": ("sfjd|见到|是否见面|contact", ""),
        "minutes": ("ys|zfsc|用时|minutes", ""),
        "crew": ("rs|zfrs|人数|crew", ""),
    },
}
#: What must be found by name for a file to be taken for a table other than calls.
KEY_COLUMNS: dict[str, tuple[str, ...]] = {
    "dispatches": ("dispatch_id", "call_id"),
    "feedbacks": ("feedback_id", "call_id"),
    "addresses": ("address_code", "address"),
    "visits": ("visit_id", "object_id", "visited_at"),
    "visit_register": ("object_id", "visit_kind", "opened_on"),
    "shifts": ("shift_code", "start_hour"),
    "population": ("area_code", "count"),
}

#: Level of an area → headers with its code, headers with its name. The first level that matches is proposed.
AREA_NAMES: tuple[tuple[str, str, str], ...] = (
    ("beat", "jwq(dm|bm)|警务区(代码)?|beat(num|number|code|no|id)?", "jwqmc|警务区名称|beatname"),
    (
        "community",
        "sq(dm|bm)|社区(代码|编码)?|(community|neighbou?rhood|nhd|hood|lsoa|msoa|ward|wd|tract|reportingarea)(area)?(num|code|no|id|cd|\\d\\dcd)"
        "|areanumbe|hood(158|140)?(id)?|areanum1|ra|pdgrid|grid|geoid|villcode",
        "sqmc|社区名称|(community|neighbou?rhood|nhd|hood|lsoa|ward|wd|msoa)(\\d\\d)?(nm|name)?|villname",
    ),
    (
        "station",
        "gxdwdm|pcs(dm|bm)|派出所(代码)?|(police)?(district|dist|precinct|pct|division|station)(num|code|no|id)?|towncode",
        "pcsmc|派出所名称|(district|precinct|division|station)(name|label)|distlabel|townname",
    ),
)
#: Axis → headers, most telling first; the two lists run in step.
AXES: tuple[tuple[str, str], ...] = (
    ("fkdwx|fkdwxzb", "fkdwy|fkdwyzb"),
    (
        ".*(longitude|经度|經度)|lon|lng|long|fxdwjd|jd|.*lon|gpsx|long_?wgs84",
        ".*(latitude|纬度|緯度)|lat|fxdwwd|wd|.*lat|gpsy|lat_?wgs84",
    ),
    ("bjrxzb|xzb|zbx|x坐标|横坐标", "bjryzb|yzb|zby|y坐标|纵坐标"),
    (
        "x(co?ord(inate|ina|s)?|cd|axis)?|ekoordinate|rechtswert|pointx|geox|xcoordcd|coordx|easting|xloc|xlong|.*xco?ord(inate)?",
        "y(co?ord(inate|ina|s)?|cd|axis)?|nkoordinate|hochwert|pointy|geoy|ycoordcd|coordy|northing|yloc|ylat|.*yco?ord(inate)?",
    ),
)
#: Parts of an address in headers of their own.
ADDRESS_PARTS = re.compile(
    r"address(number|no|dir|road|street|sfx|suffix|type|name)(primary)?|st(reet)?(number|no|num|dir|direction|name1?|suffix|sfx|type)"
)


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def matches(expression: str, header: str) -> bool:
    """Return whether an expression matches the whole key of a header."""
    return bool(expression) and _compiled(expression).fullmatch(key_of_header(header)) is not None


def confidence_of_name(table: str, column: str, header: str) -> float:
    """Return how much a header's name speaks for a canonical column: 0, ``WEAK`` or ``STRONG``."""
    sure, unsure = NAMES[table].get(column, ("", ""))
    if matches(sure, header):
        return STRONG
    return WEAK if matches(unsure, header) else 0.0
