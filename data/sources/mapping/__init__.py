"""Mappings: one TOML file per upstream system says how its files become canonical tables; see docs/sources.md.

``rules`` reads one value, ``blocks`` time, place and shape of rows, ``kinds`` one kind of file, ``document`` the whole;
``loading`` finds and checks it.
"""

from data.sources.mapping.blocks import TIME_COLUMNS, Parents, PointBlock, Refusal, TimeBlock, Unpivot
from data.sources.mapping.document import JurisdictionBlock, Mapping, SourceBlock
from data.sources.mapping.kinds import PROVENANCE, SHAPED, FileFormat, FileKind
from data.sources.mapping.loading import BUILT_IN, built_in_mappings, load_mapping, parse_mapping
from data.sources.mapping.rules import LOCAL_MOMENTS, MOMENTS, Parse, Rule

__all__ = [
    "BUILT_IN",
    "LOCAL_MOMENTS",
    "MOMENTS",
    "PROVENANCE",
    "SHAPED",
    "TIME_COLUMNS",
    "FileFormat",
    "FileKind",
    "JurisdictionBlock",
    "Mapping",
    "Parents",
    "Parse",
    "PointBlock",
    "Refusal",
    "Rule",
    "SourceBlock",
    "TimeBlock",
    "Unpivot",
    "built_in_mappings",
    "load_mapping",
    "parse_mapping",
]
