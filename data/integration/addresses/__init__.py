"""Standard addresses (标准地址): read Chinese address texts, and link calls to the standard address table."""

from data.integration.addresses.elements import ELEMENTS, parse_addresses
from data.integration.addresses.linking import link_addresses, locate_calls

__all__ = ["ELEMENTS", "link_addresses", "locate_calls", "parse_addresses"]
