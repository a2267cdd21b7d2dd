"""How far a results table can be trusted."""

from uqs.audit.audit import audit
from uqs.audit.findings import Audit

__all__ = ["Audit", "audit"]
