"""Rows go to the service in chunks, and come back with what was predicted."""

import json

import table


def test_chunks_stay_within_the_limits_of_rows_and_bytes():
    rows = [{"a_long_name": n} for n in range(1000)]
    limits = {"rows": 300, "bytes": 4096}

    chunks = list(table.chunks(rows, limits))

    assert [row for chunk in chunks for row in chunk] == rows
    assert max(map(len, chunks)) <= limits["rows"]
    assert max(len(json.dumps({"instances": chunk})) for chunk in chunks) <= limits["bytes"]
    assert len(chunks) < 10
    assert list(map(len, table.chunks(rows, limits | {"bytes": 10**6}))) == [300, 300, 300, 100]


def test_results_keep_the_labels_as_they_were_answered():
    answers = [table.Answer({"label": 1, "probabilities": {"0": 0.25, "1": 0.75}})]
    answers.append(table.Answer(problem="age: too old"))

    results = table.results(answers, {"name": "survived", "labels": [0, 1], "probabilities": True})

    assert results.to_csv() == (
        ",predicted survived,probability of 0,probability of 1,not predicted because\n"
        "1,1,0.25,0.75,\n"
        "2,,,,age: too old\n"
    )


def test_results_of_several_targets_have_a_column_each():
    answers = [table.Answer({"values": {"depth": 1.5, "width": 2.0}})]
    answers.append(table.Answer(problem="age: too old"))
    targets = [{"task": "regression", "name": name} for name in ("depth", "width")]

    results = table.results(answers, {"name": "depth, width", "targets": targets})

    assert results.to_csv() == (
        ",predicted depth,predicted width,not predicted because\n1,1.5,2.0,\n2,,,age: too old\n"
    )


def test_labels_of_several_targets_come_with_their_probabilities():
    said = {"wet": {"False": 0.25, "True": 0.75}, "cold": {"no": 1.0}}
    answer = table.Answer({"labels": {"wet": True, "cold": "no"}, "probabilities": said})
    targets = [{"name": "wet", "labels": [False, True]}, {"name": "cold", "labels": ["no"]}]

    results = table.results([answer], {"probabilities": True, "targets": targets})

    assert results.to_csv() == (
        ",predicted wet,probability of wet False,probability of wet True,"
        "predicted cold,probability of cold no,not predicted because\n"
        "1,True,0.25,0.75,no,1.0,\n"
    )
