"""The desk: the only thing pages read and write through. Every method asks ``data.access`` first.

::

    desk = Desk(store, viewer)                 the newest edition; Desk(store, viewer, edition_id) an older one
    desk.opened("hotspots", {"category": ...}) the audit row of the page view; raises when the page is refused
    desk.hotspots("theft", 28)                 rows and columns the viewer may see, nothing else

Refusals raise ``AccessDeniedError`` after they were written to the audit log (success = false).
"""

from data.desk.actions import Actions
from data.desk.addresses import Addresses
from data.desk.advice import Advice
from data.desk.lineage import Provenance
from data.desk.mappings import Mappings
from data.desk.maps import Maps
from data.desk.quality import Quality
from data.desk.supervision import Supervision
from data.desk.trends import Trends
from data.exports import Export

__all__ = ["Desk", "Export"]


class Desk(Advice, Trends, Maps, Actions, Supervision, Quality, Provenance, Addresses, Mappings):
    """One viewer at one edition.

    Parameters
    ----------
    store
        The store, opened.
    viewer
        Who reads; role and area decide what every method returns.
    edition_id
        None for the newest edition, found at the first question about it: a steward may work before anything is
        published.
    records
        The records database; None opens the store's.

    Notes
    -----
    Holds no state that lasts: make one per page run. Frames may be shared between readers; never change one in place.
    """
