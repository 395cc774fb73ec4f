"""Each failure becomes the exception that says what to do about it."""

import pytest
from conftest import ANSWER, Reply, problem

from client import ApiError, Busy, Client, KeyRefused, OverQuota, Rejected, Unreachable


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (problem(401), KeyRefused, "API_KEY"),
        (problem(413), Rejected, "Too large"),
        (problem(422), Rejected, "Detail"),
        (problem(504), Busy, "too long"),
        (problem(429), OverQuota, "no more requests"),
        (problem(500), ApiError, "Title"),
        ((422, b"[1]"), Rejected, "Not valid"),
        ((200, b"<html>"), Unreachable, "API_URL"),
        ((200, b"[]"), Unreachable, "API_URL"),
        ((200, b'{"hello": "world"}'), Unreachable, "API_URL"),
        ((302, b""), Unreachable, "HTTP 302"),
        ((502, b"Bad Gateway"), Unreachable, "API_URL"),
    ],
)
def test_a_failure_says_what_to_do(service, reply: Reply, kind: type[ApiError], words: str):
    url, _ = service(reply)

    with pytest.raises(ApiError, match=words) as failure:
        Client(url).predict([{}])

    assert type(failure.value) is kind


def test_a_refusal_keeps_the_reason_for_each_row(service):
    errors = [{"row": 1, "field": "Age", "message": "too old"}, {"row": None, "message": "odd"}]
    url, _ = service(problem(422, errors=errors))

    with pytest.raises(Rejected, match="Age: too old; odd") as failure:
        Client(url).predict([{}, {}])

    assert [error.row for error in failure.value.errors] == [1, None]


def test_a_full_service_is_asked_again(service):
    url, asked = service(problem(503), (200, ANSWER))

    assert Client(url).predict([])["predictions"] == []
    assert len(asked) == 2


def test_a_service_that_stays_full_is_left_alone(service):
    url, asked = service(*[problem(503)] * 5)

    with pytest.raises(Busy):
        Client(url).predict([])
    assert len(asked) == 3


@pytest.mark.parametrize("key", ["secret", " secret\n"])
def test_the_key_is_sent(service, key: str):
    url, asked = service((200, ANSWER))
    Client(url, key).predict([{"a": 1}])

    assert asked == [{"key": "secret", "instances": [{"a": 1}]}]


def test_a_key_of_other_letters_is_the_services_to_refuse(service):
    url, _ = service(problem(401))

    with pytest.raises(KeyRefused):
        Client(url, "ключ").predict([{}])


def test_the_wait_that_the_service_asks_for_is_told(service):
    url, _ = service(problem(429), retry_after=30)

    with pytest.raises(OverQuota, match="Wait 30 seconds") as failure:
        Client(url).predict([{}])

    assert failure.value.wait == 30
