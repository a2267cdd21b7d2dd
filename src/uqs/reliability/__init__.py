"""How far a results table can be trusted."""

from uqs.reliability.audit import audit
from uqs.reliability.findings import Audit

__all__ = ["Audit", "audit"]
