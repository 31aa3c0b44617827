"""A first mapping from sample files: by the names of the headers and by what the values look like.

The proposal is complete TOML that loads as it is and can be tried (``beatwise source check --source FILE.toml``). What
the files cannot tell (time zone, reference system, legal basis …) is filled with the likeliest value and listed
under ``unconfirmed``: as long as a name stands there, the ingest refuses the mapping.

In the order of the work:

=============  ==============================================================================================
sampling       the first records of a file: encoding, separator, header row, sheet
profiling      what the values of a column look like: dates, numbers, codes
lexicon        what upstream systems call things, whole names; ``words`` the words of any other header
drafts         the state of one [[file]] block
tables         which canonical table the file fills
names          which header a column's name points to, and whether the values agree
times          when it happened; ``zones`` whether clocks marked UTC are
categories     what kind of call it was; ``flags`` offences as yes-or-no columns
columns        codes, texts, counts
points         coordinates; ``placing`` finds their reference system
shapes         areas and base maps
blocks         one [[file]] from beginning to end
joins          boundaries named as the calls name them
heads          the [source] block
proposing      the whole mapping, tried on its samples
findings       what is said to the steward
=============  ==============================================================================================
"""

from data.sources.propose.findings import ColumnProposal, FileProposal, Known, Proposal, Question
from data.sources.propose.proposing import propose_mapping

__all__ = ["ColumnProposal", "FileProposal", "Known", "Proposal", "Question", "propose_mapping"]
