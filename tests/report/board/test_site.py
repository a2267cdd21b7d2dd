from __future__ import annotations

import json
import os
from dataclasses import replace
from http.client import HTTPConnection
from threading import Thread

import pytest

from uqs.errors import UserError
from uqs.report.analysis import analyse
from uqs.report.board.live.data import board
from uqs.report.board.live.packing import embedded
from uqs.report.board.serve import server
from uqs.report.board.site import write

SIGNS = [
    "</script>",
    "<!--",
    "<script>alert(1)</script>",
    "\u2028",
    "\u202e",
    "\x00",
    '"]}',
    "\\",
    "&lt;",
]


def test_no_text_closes_the_element_that_holds_the_data():
    hostile = [one * 2 + str(at) for at in range(1000) for one in SIGNS]
    text = embedded({"names": hostile})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"names": hostile}


def test_the_data_have_every_run_and_a_status_where_there_is_no_value(rows, make_run):
    lost = replace(rows[0], value=None, se=None, n=0, status="collapsed")
    data = board(analyse(make_run([lost, *rows[1:]])))
    column = data["runs"]["metrics"][lost.metric]
    assert len(column["values"]) == len(data["runs"]["seed"]) == 36
    missing = [at for at, value in enumerate(column["values"]) if value is None]
    assert [column["statuses"][at] for at in missing] == ["collapsed"]
    (at,) = missing
    assert data["methods"][data["runs"]["method"][at]] == lost.method
    assert column["values"].count(None) == 1


def test_several_results_have_a_page_each_and_a_list(rows, make_run, tmp_path):
    other = [replace(row, study="other / study") for row in rows]
    first = write([make_run(rows), make_run(other, name="other")], tmp_path / "out")
    made = sorted(str(one.relative_to(first.parent)) for one in first.parent.rglob("*.html"))
    assert made == ["index.html", "other-study/index.html", "paper/index.html"]
    assert 'href="other-study/index.html"' in first.read_text(encoding="utf-8")


def test_two_results_of_one_name_are_refused_and_nothing_is_written(rows, make_run, tmp_path):
    with pytest.raises(UserError, match="also of a study named 'paper'"):
        write([make_run(rows), make_run(rows, name="again")], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_server_follows_the_results_and_serves_this_machine_alone(rows, make_run):
    run, said = make_run(rows), []
    with server([run], 0, said.append) as running:
        thread = Thread(target=running.serve_forever)
        thread.start()
        try:
            assert running.server_address[0] == "127.0.0.1"
            code, text = get(running.server_port, "/")
            assert (code, "UQS board: paper" in text) == (200, True)
            assert get(running.server_port, "/../secret")[0] == 404
            assert get(running.server_port, "/", host="evil.example:80")[0] == 403
            make_run([replace(row, study="newer") for row in rows])
            assert "UQS board: newer" in get(running.server_port, "/?x=1")[1]
            assert said == ["the results have changed: building the board again"]
            (run / "results.parquet").write_bytes(b"no parquet")
            code, text = get(running.server_port, "/")
            assert (code, "results.parquet" in text) == (500, True)
            assert os.linesep.join(said).count("error:") == 1
        finally:
            running.shutdown()
            thread.join()


def get(port, path, host=None):
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text
