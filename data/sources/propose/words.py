"""Headers as words: what one system writes ``DISPATCH_TIME_PRIMARY_UNIT`` and another ``dispatchedAt`` says the same.

A header is cut at blanks, signs and capitals; what is written together is cut where known words meet
(``INCIDENTTIME``). Every known spelling stands for one word, so that rules about words hold for English, Spanish,
Portuguese, French, German and Chinese headers at once. The lists hold words, not systems.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

#: Word → its spellings, without accents, in small letters.
SPELLINGS: dict[str, str] = {
    "date": "date dates dt dte dat fecha fec data datum 日期 日 年月日",
    "time": "time times tm hora horas heure uhrzeit zeit 时间 時間 时刻 時刻",
    "datetime": "datetime timestamp dttm datehour ts",
    "hour": "hour hours hr hrs hh stunde franja 時 小时 小時 钟点 24hr",
    "minute": "minute minutes min 分钟",
    "day": "day days dow dia",
    "weekday": "weekday dayofweek dayofwk 星期",
    "month": "month months mon mes mois monat 月份 月 年月",
    "year": "year years yr anio ano annee jahr 年份 年",
    "start": "start started starts begin begins began beginning from fr first anfang debut earliest von 始期",
    "end": "end ended ends to last thru through until ende fin latest poss bis 終期",
    "occ": "occ occur occurs occured occurred occurrence occurrences occurence occu hecho hechos ocorrencia ocurrencia"
    " ocurrido tatzeit faits 发生 發生 発生 案发 案發",
    "incident": "incident incidents incidnt inci inc event events evnt evt incidente evento 警情 事件 接警",
    "offense": "offense offenses offence offences ofns crime crimes crm delito delitos crimen crime delikt infraction"
    " felony violation violations rubrica hurto robo 案件 罪案 罪名 案",
    "report": "report reported reports rep rpt rptd rept reportdat boletim comunicacao anzeige angelegt"
    " denuncia 报案 報案",
    "create": "create created creation creat opened open entry entered queued received receive recd called callreceived"
    " inicio iniciado elaboracao add 报警 報警",
    "answer": "answered answer 接警",
    "response": "response responses",
    "update": "update updated updates modified lastmodified changed lastchanged loaded load edited edit etl published"
    " refresh refreshed export exported asof aktualisiert",
    "dispatch": "dispatch dispatched disp assigned assign dispatching 派警",
    "enroute": "enroute route departed responding 出警",
    "arrive": "arrive arrived arrives arrival arrivd arr onscene scene 到达 到達",
    "clear": "clear cleared clears close closed closing closng complete completed 处置完毕",
    "clearance": "clearance solved arrest arrested arrests",
    "id": "id ids no num number numbers nbr key ref reference folio numero nummer numalt pk uid 编号 編號 号",
    "case": "case cases 個案 carpeta expediente file cr drno fall geschaeft vorgang",
    "call": "call calls cfs cad llamada servicecall",
    "complaint": "complaint complaints cmplnt",
    "code": "code codes cd clave codigo 代码 代碼",
    "ucr": "ucr nibrs ibr ibrs iucr statute tencode radio",
    "desc": "desc description descriptions descript descr descrip text txt literal title summary"
    " bezeichnung literals 描述",
    "name": "name names nome nombre nom 名称 名稱",
    "type": "type types typ tipo kind especie art 类型 類型 手口",
    "category": "category categories cat categoria categorie group groups grp general class classification kategorie"
    " codegroup 类别 類別",
    "sub": "sub subtype subcategory subtipo secondary detail 子类 细类 細類",
    "nature": "nature problem problems natureza naturaleza",
    "charge": "charge charges offencecharge",
    "initial": "initial original orig",
    "final": "final",
    "address": "address addresses addr addres adress adresse direccion endereco anschrift 地址",
    "block": "block hundredblock blk",
    "street": "street streets road calle logradouro rue strasse 街路",
    "intersection": "intersection intersections cross",
    "location": "location locations loc ubicacion lugar place tatort 地点 地點 位置",
    "police": "police pd apd spd lmpd cmpd nopd mpd lapd nypd kcpd patrol",
    "district": "district districts dist dst distrito div divs division divisions precinct precincts pct pdq delegacia"
    " station stations command bureau comisaria circunscricao 警区 警區 派出所 分局 管辖单位"
    " kreis 警察署",
    "beat": "beat beats psa post scout 警务区 交番",
    "sector": "sector sectors zone zones",
    "community": "community communities neighborhood neighborhoods neighbourhood neighbourhoods neighborhd hood nbhd"
    " nhood barrio bairro colonia quartier mcpp suburb lor lsoa msoa 社区 社區 里 町丁目",
    "ward": "ward wards tract comuna alcaldia municipio bezirk borough boro",
    "area": "area areas grid region",
    "council": "council supervisor voting congressional congress legislative works school fire ems"
    " transit aldermanic"
    " patrolboro",
    "zip": "zip zipcode postal postcode cep plz",
    "city": "city town state country county cidade ciudad uf municipality",
    "census": "census",
    "victim": "victim victims vict vic vitima victima complainant reportee 被害者",
    "suspect": "suspect suspects susp offender offenders arrestee arrestees perpetrator subject",
    "officer": "officer officers badge collar employee detective investigator reviewer deputy",
    "age": "age edad idade alter agegroup agerange 年齢",
    "sex": "sex gender sexo genero geschlecht 性別",
    "race": "race raza ethnicity ethnic descent cutis corcutis raca",
    "trait": "birth birthdate dob nascimento nacimiento nationality nacionalidade nacionalidad"
    " occupation profissao profesion"
    " marital civil estadocivil instrucao plate placa",
    "weapon": "weapon weapons firearm arma armas",
    "premise": "premise premises premis prem",
    "property": "property vehicle vehicles veiculo stolen",
    "status": "status resolution",
    "outcome": "disposition disposicion outcome solution result 结果",
    "priority": "priority urgency",
    "source": "source origin channel",
    "against": "against",
    "unit": "unit units",
    "shift": "shift watch quart tour turno turma",
    "agency": "agency agencies department",
    "lat": "lat latitude latitud breite ycoordlat 纬度 緯度 北緯",
    "lon": "lon lng long longitude longitud laenge 经度 經度 東經 东经",
    "x": "x xcoord xcoordinate coordx east easting ekoordinate rechtswert",
    "y": "y ycoord ycoordinate coordy north northing nkoordinate hochwert",
    "surrogate": "objectid oid fid row rowid global globalid cartodb index row_id instance instanceid esri ogc"
    " 序号 序號",
    "officer_initiated": "onview onviewed",
    "count": "count counts total totals quantity cantidad",
}
_WORD_OF = {spelling: word for word, some in reversed(SPELLINGS.items()) for spelling in some.split()}
#: Spellings this short are words only where something sets them apart, or at the end of others.
_SHORT = 3
_LAST = frozenset({"id", "no", "dt", "tm", "cd", "num", "date", "x", "y"})


def plain(header: str) -> str:
    """Return a header without accents; NFKC characters, case kept."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", header))
    return "".join(char for char in apart if not unicodedata.combining(char))


def listed(text: str) -> frozenset[str]:
    """Return a set of words written with blanks between them."""
    return frozenset(text.split())


@lru_cache(maxsize=10_000)
def words_of(header: str) -> frozenset[str]:
    """Return the known words of a header; what is unknown is left out."""
    return frozenset(_ordered(header))


@lru_cache(maxsize=10_000)
def _ordered(header: str) -> tuple[str, ...]:
    found: list[str] = []
    for chunk in re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[\u3400-\u9fff]+", plain(header)):
        small = chunk.lower()
        found += [_WORD_OF[small]] if small in _WORD_OF else _cut(small)
    glued = re.sub(r"[^a-z]", "", plain(header).lower())
    # "Time_24HR", "Day of Week", "On View", "First Dispatch": pairs that mean more together.
    if re.search("dayofw(ee)?k|daytext", glued):
        found.append("weekday")
    if re.search(r"#(?!\d)", header):
        found.append("id")
    if re.search("onview|selfinitiated|officerinitiated|unitinitiated", glued):
        found.append("officer_initiated")
    if re.search("objectid|rowid|globalid|cartodbid|rownumber|rowno", glued):
        found.append("surrogate")
    return tuple(found)


def _cut(chunk: str) -> list[str]:
    """Cut words that are written together: known ones from end to end, else those at the beginning and the end."""
    best: list[list[str] | None] = [[]] + [None] * len(chunk)
    for end in range(1, len(chunk) + 1):
        for start in range(end):
            part, before = chunk[start:end], best[start]
            short = part.isascii() and len(part) < _SHORT and not (end == len(chunk) and part in _LAST)
            if before is None or part not in _WORD_OF or short:
                continue
            now = best[end]
            if now is None or len(before) + 1 < len(now):
                best[end] = [*before, part]
    whole = best[-1]
    if whole:
        return [_WORD_OF[part] for part in whole]
    least = 2 if not chunk.isascii() else 4
    starts = [size for size in range(least, len(chunk)) if chunk[:size] in _WORD_OF]
    ends = [size for size in range(least, len(chunk)) if chunk[-size:] in _WORD_OF]
    found = []
    if starts:
        found.append(_WORD_OF[chunk[: max(starts)]])
    if ends and (not starts or max(starts) + max(ends) <= len(chunk)):
        found.append(_WORD_OF[chunk[-max(ends) :]])
    return found


#: Words that say a header tells a time.
OF_TIME = frozenset({"date", "time", "datetime"})
#: Words that say how a time is written, not of what it is.
OF_CLOCKS = frozenset({"date", "time", "datetime", "hour", "minute", "day", "id"})
#: Words about which a time says nothing of the call.
ASIDE = frozenset(
    {"update", "victim", "suspect", "officer", "clearance", "week", "weekday", "age", "count", "response"}
)
#: Role of a time → words, in the order in which they decide.
_ROLES: tuple[tuple[str, frozenset[str]], ...] = (
    ("cleared", frozenset({"clear"})),
    ("dispatched", frozenset({"dispatch"})),
    ("arrived", frozenset({"arrive"})),
    ("departed", frozenset({"enroute"})),
    ("reported", frozenset({"report"})),
    ("end", frozenset({"end"})),
    ("occurred", frozenset({"occ", "start"})),
    ("reported", frozenset({"create", "call"})),
    ("answered", frozenset({"answer"})),
    ("occurred", frozenset({"offense", "incident", "complaint"})),
)


def role_of(header: str) -> str:
    """Return of what a header tells the time: occurred, end, reported, dispatched …, ``aside`` or ``plain``."""
    words = words_of(header)
    glued = re.sub(r"[^a-z]", "", plain(header).lower())
    if words & ASIDE or re.search("asof|dataloaded|ibrdate|lastupdate|datefound", glued):
        return "aside"
    return next((role for role, some in _ROLES if words & some), "plain")


def stem_of(header: str) -> frozenset[str]:
    """Return the words of a header without those of date and time: a day and its clock have the same."""
    return words_of(header) - OF_CLOCKS


_PLACED = frozenset(
    {"premise", "weapon", "victim", "suspect", "officer", "council", "zip", "type", "category", "status"}
)
#: Canonical column → (words, one of each group of which must be there; words that must not be; confidence).
RULES: dict[str, tuple[tuple[tuple[frozenset[str], ...], frozenset[str], float], ...]] = {
    "call_id": (
        (
            (
                frozenset({"id"}),
                frozenset({"incident", "offense", "case", "report", "call", "event", "complaint"}),
            ),
            listed(
                "victim suspect officer district area beat type category code zip address street"
                " location sector ward unit surrogate date time datetime day month year community desc"
                " count council charge"
            ),
            0.95,
        ),
        (
            (frozenset({"incident", "case", "offense"}), frozenset({"id", "incident", "case"})),
            listed(
                "date time datetime type category code desc nature sub name location address community"
                " beat district sector status count surrogate street month year day hour lat lon x y"
                " city zip area final initial"
            ),
            0.7,
        ),
    ),
    "unit_code": (
        ((frozenset({"district"}), frozenset({"police"})), frozenset({"council", "desc", "report", "officer"}), 0.95),
        (
            (frozenset({"district"}),),
            listed("council zip report community census area officer beat weapon status desc city count"),
            0.85,
        ),
        ((frozenset({"area"}),), listed("report zip census count desc type community"), 0.7),
    ),
    "beat_code": (
        ((frozenset({"beat"}),), frozenset({"desc", "officer", "count", "address"}), 0.95),
        ((frozenset({"sector"}),), frozenset({"desc", "time", "count", "council", "zip"}), 0.7),
    ),
    "community_code": (
        ((frozenset({"community"}),), frozenset({"council", "count", "location"}), 0.9),
        ((frozenset({"community"}),), frozenset({"count", "location"}), 0.75),
        ((frozenset({"ward"}),), frozenset({"count", "council", "police"}), 0.7),
        ((frozenset({"report"}), frozenset({"area", "district"})), frozenset({"count", "type"}), 0.8),
    ),
    "address": (
        ((frozenset({"address"}),), _PLACED | {"city", "id", "code"}, 0.95),
        ((frozenset({"block"}),), _PLACED | {"census", "id", "code", "time", "lat", "lon"}, 0.9),
        ((frozenset({"intersection"}),), _PLACED | {"id", "code"}, 0.85),
        ((frozenset({"location"}), frozenset({"incident", "occ", "offense"})), _PLACED | {"id", "code", "desc"}, 0.9),
        ((frozenset({"location", "street"}),), _PLACED | {"id", "code", "desc", "property"}, 0.8),
    ),
    "level": (((frozenset({"priority"}),), frozenset({"desc", "final", "color"}), 0.95),),
    "channel": (((frozenset({"call"}), frozenset({"source"})), frozenset(), 0.95),),
}


def tells_of_a_person(header: str) -> bool:
    """Return whether a header of a list of calls tells age, sex, origin, name or address of one who took part."""
    words = words_of(header)
    if words & {"age", "sex", "race", "trait"}:
        return not words & {"offense", "count"} or "age" in words
    if words & {"victim", "suspect"}:
        return not words & {"count", "complaint"}
    if re.search("note|remark|comment|narrative|seniority|count", header.lower()):
        return False
    return "officer" in words and not words & {"officer_initiated", "count", "date", "time", "datetime"}


def confidence_of_words(column: str, header: str) -> float:
    """Return how much the words of a header speak for a column of calls, 0 to 1."""
    words = words_of(header)
    fits = (
        sure
        for groups, without, sure in RULES.get(column, ())
        if all(words & group for group in groups) and not words & without
    )
    return max(fits, default=0.0)
