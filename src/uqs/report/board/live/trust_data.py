"""What the application shows of the audit: how far each metric can be trusted."""

from __future__ import annotations

from collections.abc import Iterator

from uqs.audit import Audit
from uqs.audit.association import StratifiedMean, Value
from uqs.audit.findings import Agreement
from uqs.audit.ladder import Ladder, Rung
from uqs.audit.order import Order
from uqs.audit.order_words import NO_ORDER
from uqs.audit.report_cards import REASONS, Judged, ReportCard
from uqs.records import Role
from uqs.report.board.live import schema
from uqs.report.board.live.ranking_data import response
from uqs.report.words import STATUS


def trust(audit: Audit, ladders: tuple[Ladder, ...]) -> schema.Trust:
    """The audit's findings on metrics, by their headline splits."""
    by_name = {(one.benchmark, one.metric, one.split): one for one in ladders}
    cards = [
        _card(one, by_name[one.benchmark, one.metric, one.split])
        for one in audit.report_cards
        if one.headline and (one.benchmark, one.metric, one.split) in by_name
    ]
    groups = audit.clusters
    return schema.Trust(
        cards=cards,
        orders=[_order(one) for one in audit.resolution],
        pairs=[_pair(one) for one in audit.agreement],
        clusters=schema.Clusters(
            groups=[list(one) for one in groups.groups],
            support=groups.support,
            resamples=groups.resamples,
            reason=groups.reason or "",
        ),
        verdicts=list(audit.verdicts),
    )


def _card(one: ReportCard, ladder: Ladder) -> schema.Card:
    return schema.Card(
        benchmark=one.benchmark,
        metric=one.metric,
        rungs=list(_rungs(ladder)),
        response=None if one.response is None else response(one.response),
        usable=one.usable,
        why=REASONS[one.why],
        smallest=one.gap,
        blind=[_named(judged) for judged in one.blind],
        fooled=[_named(judged) for judged in one.fooled],
        suppressed=len(one.suppressed),
        damaged=len(one.damaged),
    )


def _rungs(ladder: Ladder) -> Iterator[schema.Rung]:
    for rung in ladder.rungs:
        yield schema.Rung(kind="ladder", name="", share=rung.share, values=list(rung.values))
    for rung in ladder.beside:
        yield schema.Rung(
            kind="suppressed" if rung.role == Role.SUPPRESSED else "damaged",
            name=_named(rung),
            share=rung.share,
            values=list(rung.values),
        )


def _named(one: Judged | Rung) -> str:
    return f"{one.method}@{one.strength}" if one.strength else one.method


def _order(one: Order) -> schema.Order:
    found = one.found
    return schema.Order(
        benchmark=one.benchmark,
        strength=one.strength,
        metric=one.metric,
        shown=NO_ORDER.get(one.shown, ""),
        log=one.scale == "log",
        methods=list(one.methods),
        means=[] if found is None else list(map(float, found.means)),
        errors=[] if found is None else list(map(float, found.errors)),
        critical=None if found is None else found.critical,
        separated=None if found is None else found.separated,
        seeds=0 if found is None else found.seeds,
        oracles=0 if found is None else found.oracles,
    )


def _pair(one: Agreement) -> schema.Pair:
    within = one.tau.stratified
    return schema.Pair(
        a=one.a,
        b=one.b,
        within=_value(within),
        defined=within.groups_defined,
        groups=within.groups,
        pooled=_value(one.tau.pooled),
        reverses=one.tau.sign_reverses,
        benchmarks={name: _value(value) for name, value in one.tau.per_benchmark.items()},
        p=one.p_adjusted,
    )


def _value(one: Value | StratifiedMean) -> schema.Association:
    return schema.Association(value=one.value, status=STATUS[one.status])
