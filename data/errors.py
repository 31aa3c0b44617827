"""Errors a person can act on: what is wrong, where, and what to do."""

from __future__ import annotations


class BeatwiseError(Exception):
    """A bad input or a refused action, told in one message.

    Parameters
    ----------
    problem
        What is wrong, in one sentence.
    where
        File, row, column, option or object it is about.
    remedy
        What the reader can do next.

    Notes
    -----
    The command line prints the message on stderr and exits with 2; a page shows it in place of its content.
    Messages never hold row values that could identify a person.
    """

    def __init__(self, problem: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.problem = problem
        self.where = where
        self.remedy = remedy
        parts = [f"{where}: {problem}" if where else problem]
        if remedy:
            parts.append(remedy)
        super().__init__(" ".join(parts))


class StoreError(BeatwiseError):
    """The store, a snapshot or an edition is missing, unreadable or not what it claims to be."""


class SourceError(BeatwiseError):
    """A mapping or an upstream file cannot be read as it is."""


class SchemaError(BeatwiseError):
    """A table does not have the shape its schema promises."""


class AccessDeniedError(BeatwiseError):
    """The viewer's role or area does not cover what was asked for."""


class OtherForceError(AccessDeniedError):
    """What was asked for is of a police force that the viewer's grant does not name."""


class RequestError(BeatwiseError):
    """An argument is out of its range or contradicts another."""


class StaleError(RequestError):
    """What the request is about changed since the page that sends it was drawn."""
