"""Whatever the graph and however long jobs take, each is made once, after all that it reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from uqs.studies.jobs import Job
from uqs.studies.schedule import COST, Schedule

KINDS = sorted(COST)


@st.composite
def graphs(draw: st.DrawFn) -> list[Job]:
    jobs: list[Job] = []
    for place in range(draw(st.integers(1, 12))):
        sources = draw(st.sets(st.integers(0, place - 1))) if place else set()
        inputs = {str(source): jobs[source].key for source in sources}
        jobs.append(Job(draw(st.sampled_from(KINDS)), str(place), {"place": place}, inputs))
    return jobs


def downstream(jobs: list[Job], stopped: set[str]) -> set[str]:
    """What is made from stopped jobs; to measure is to read a verdict, whatever it is."""
    reached: set[str] = set()
    for job in jobs:
        sources = reached if job.kind == "measure" else reached | stopped
        if set(job.inputs.values()) & sources:
            reached.add(job.key)
    return reached


@given(graphs(), st.data())
def test_cells_are_taken_after_what_they_read(jobs: list[Job], data: st.DataObject) -> None:
    stops = data.draw(st.sets(st.sampled_from([job.key for job in jobs])))
    schedule, running, made = Schedule(jobs, {}), [], set()
    skipped: set[str] = set()
    while True:
        while (job := schedule.take()) is not None:
            assert set(job.inputs.values()) <= made
            running.append(job)
        if not running:
            break
        done = running.pop(data.draw(st.integers(0, len(running) - 1)))
        made.add(done.key)
        reason = "stop" if done.key in stops else None
        skipped |= {job.key for job in schedule.finish(done.key, reason)}
    assert skipped == downstream(jobs, stops & made)
    assert made == {job.key for job in jobs} - skipped
    assert not schedule.remaining


@given(graphs(), st.data())
def test_what_exists_is_not_taken(jobs: list[Job], data: st.DataObject) -> None:
    schedule = Schedule(jobs, {})
    done: dict[str, str | None] = {}
    for _ in range(data.draw(st.integers(0, len(jobs)))):
        job = schedule.take()
        if job is None:
            break
        done[job.key] = data.draw(st.sampled_from([None, "stop"]))
        schedule.finish(job.key, done[job.key])
    assert Schedule(jobs, done).remaining == schedule.remaining


def test_the_longest_chain_comes_first() -> None:
    base = Job("base", "base", {}, {})
    short = Job("measure", "short", {}, {"base": base.key})
    long = Job("trace", "long", {}, {"base": base.key})
    end = Job("unlearn", "end", {}, {"long": long.key})
    schedule = Schedule([base, short, long, end], {})
    assert schedule.take() == base
    assert schedule.take() is None
    schedule.finish(base.key, None)
    assert [schedule.take(), schedule.take()] == [long, short]


def chains(models: int) -> list[Job]:
    """Models that are traced, each trace then measured."""
    base = Job("base", "base", {}, {})
    trained = [Job("train", f"m{i}", {"i": i}, {"base": base.key}) for i in range(models)]
    traced = [Job("trace", m.label, {}, {"base": base.key, "model": m.key}) for m in trained]
    measured = [Job("measure", t.label, {}, {"trace": t.key}) for t in traced]
    return [base, *trained, *traced, *measured]


@given(st.data())
def test_a_chain_stays_where_it_began(data: st.DataObject) -> None:
    """Two workers, that end in any order: each traces and measures what it trained, but for what the other
    would have to wait for."""
    jobs = chains(data.draw(st.integers(2, 8)))
    schedule = Schedule(jobs, {})
    by: dict[str, int] = {}
    own: tuple[set[str], set[str]] = (set(), set())
    running: dict[int, Job] = {}
    while True:
        for worker in (0, 1):
            if worker not in running:
                ready = schedule.ready(own[worker])
                job = schedule.take(own[worker])
                if job is None:
                    continue
                assert job == ready[0]
                first = [one for one in ready if one.kind == job.kind]
                if any(own[worker] & set(one.inputs.values()) for one in first):
                    assert own[worker] & set(job.inputs.values())
                running[worker] = job
        if not running:
            break
        worker = data.draw(st.sampled_from(sorted(running)))
        job = running.pop(worker)
        by[job.key] = worker
        own[worker].add(job.key)
        schedule.finish(job.key, None)
    assert by.keys() == {job.key for job in jobs}


def test_what_was_lost_is_taken_again() -> None:
    base = Job("base", "base", {}, {})
    schedule = Schedule([base], {})
    job = schedule.take()
    assert job == base
    assert schedule.take() is None
    schedule.put_back(job)
    assert schedule.take() == base
