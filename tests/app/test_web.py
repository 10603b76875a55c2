"""The app as a browser and as a stranger meet it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import picture_kit
import pytest
from starlette.testclient import TestClient

from tlcourse.app import answers, web
from tlcourse.app.web import create_app
from tlcourse.models import ExportedModel


@pytest.fixture
def client(model):
    with TestClient(create_app(model), base_url="http://127.0.0.1:8700") as opened:
        yield opened


def ask(client, data=None, **headers):
    return client.post(
        "/answer", content=picture_kit.encoded(picture_kit.drawing()) if data is None else data, headers=headers
    )


def test_an_answer_names_classes_with_their_confidence(client, model):
    said = ask(client).json()
    confidence = [item["confidence"] for item in said["classes"]]
    assert {item["name"] for item in said["classes"]} == set(model.classes)
    assert confidence == sorted(confidence, reverse=True) and sum(confidence) == pytest.approx(1, abs=1e-3)
    assert said["sure"] == (confidence[0] >= 0.5)


def test_the_confidence_is_the_calibrated_one(client, model):
    pixels = answers.read_picture(picture_kit.encoded(picture_kit.drawing()), 48)
    expected = model.probabilities(pixels[None])[0].max()
    assert ask(client).json()["classes"][0]["confidence"] == pytest.approx(float(expected), abs=1e-4)


def test_an_answer_says_what_the_model_looked_at(client):
    said = ask(client).json()
    looked = np.array(said["looked"])
    assert looked.shape == (6, 6) and looked.max() == 1 and looked.min() >= 0
    assert said["where"].startswith("the ")
    assert said["picture"].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    ("bright", "words"),
    [((0, 0), "the upper left"), ((5, 5), "the lower right"), ((2, 5), "the right"), ((0, 2), "the upper part")],
)
def test_the_place_is_put_into_words(bright, words):
    looked = np.zeros((6, 6))
    looked[bright] = 1
    assert answers.in_words(looked) == words
    assert answers.in_words(np.ones((6, 6))) == "the middle"


def test_the_page_needs_nothing_from_elsewhere(client):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "http://" not in page.text and "https://" not in page.text and "style=" not in page.text
    assert "<script>" not in page.text
    for name in ("app.js", "app.css", "icon.svg"):
        assert client.get(f"/{name}").status_code == 200


def test_names_in_a_model_cannot_become_html(client):
    page = client.get("/").text
    assert "&lt;b&gt;bold&lt;/b&gt;" in page and "<b>bold" not in page and "Three <i>" not in page


@pytest.mark.parametrize("path", ["/", "/app.js", "/health", "/nothing"])
def test_every_answer_carries_the_safe_headers(client, path):
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("data", "status", "problem"),
    [
        (b"", 400, "empty"),
        (b"not a picture", 415, "not-a-picture"),
        (bytes(6_000_000), 413, "too-large"),
        (picture_kit.many_pixels(), 413, "too-many-pixels"),
        (picture_kit.animation(), 422, "animated"),
        (picture_kit.cut_off(), 422, "damaged"),
    ],
)
def test_bad_uploads_are_refused_by_reason(client, data, status, problem):
    reply = ask(client, data)
    said = reply.json()
    assert (reply.status_code, said["problem"]) == (status, problem)
    assert said["message"].endswith(".") and said["cure"]
    assert ask(client).status_code == 200  # and the next visitor is served


def test_a_body_without_a_length_is_counted_as_it_comes(client):
    def endless():
        for _ in range(60):
            yield bytes(100_000)

    assert ask(client, endless()).json()["problem"] == "too-large"


def test_what_is_far_too_large_is_not_even_read(client, monkeypatch):
    monkeypatch.setattr(web, "MOST_DROPPED", 5_500_000)
    assert ask(client, bytes(6_000_000)).json()["problem"] == "too-large"


def test_a_body_that_does_not_arrive_is_given_up(client, monkeypatch):
    monkeypatch.setattr(web, "SLOWEST_UPLOAD", 0.05)

    def slow():
        yield b"\x89PNG"
        time.sleep(0.3)
        yield b"..."

    assert ask(client, slow()).status_code in (408, 415)  # the test client may hand a body over in one piece


def test_the_wrong_method_and_the_wrong_page_are_told(client):
    wrong = client.get("/answer")
    assert wrong.status_code == 405 and wrong.headers["allow"] == "POST" and "POST" in wrong.json()["cure"]
    assert client.get("/secret").json()["problem"] == "not-here"


def test_it_answers_under_its_own_name_only(client):
    assert client.get("/", headers={"host": "localhost:8700"}).status_code == 200
    assert client.get("/", headers={"host": "[::1]:8700"}).status_code == 200
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421


def test_another_site_cannot_ask_through_a_visitor_s_browser(client):
    assert ask(client, **{"sec-fetch-site": "cross-site"}).status_code == 403
    assert ask(client, **{"sec-fetch-site": "same-origin"}).status_code == 200


def test_a_fault_of_its_own_is_admitted_without_details(client, monkeypatch):
    def broken(*args):
        raise RuntimeError("secret path /home/x")

    monkeypatch.setattr(web, "answer", broken)
    reply = ask(client)
    assert reply.status_code == 500 and "secret" not in reply.text and reply.json()["problem"] == "broken"
    assert "content-security-policy" in reply.headers


def test_past_its_limit_it_says_when_to_come_again(model, monkeypatch):
    busy, go_on = threading.Semaphore(0), threading.Event()

    def waiting(*args):
        busy.release()
        go_on.wait(10)
        return {"classes": []}

    monkeypatch.setattr(web, "answer", waiting)
    with TestClient(create_app(model, workers=2, most=2), base_url="http://localhost") as client:
        with ThreadPoolExecutor(2) as visitors:
            first = [visitors.submit(ask, client) for _ in range(2)]
            for _ in first:
                assert busy.acquire(timeout=10)
            refused = ask(client)
            assert client.get("/").status_code == 200  # the page itself is still there
            go_on.set()
            assert [visit.result().status_code for visit in first] == [200, 200]
        assert refused.status_code == 503 and int(refused.headers["retry-after"]) > 0
        assert "try again" in refused.json()["cure"]
        assert ask(client).status_code == 200
        assert client.get("/health").json() == {"well": True, "answered": 3, "refused": 1, "under way": 0}


def test_fifty_visitors_at_once_are_all_answered(client):
    data = picture_kit.encoded(picture_kit.drawing())
    with ThreadPoolExecutor(50) as visitors:
        replies = list(visitors.map(lambda _: ask(client, data), range(100)))
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.text for reply in replies}) == 1  # and nobody got another's answer


def test_a_model_without_places_answers_without_them(model, monkeypatch):
    monkeypatch.setattr(ExportedModel, "explains", False)
    with TestClient(create_app(model), base_url="http://localhost") as client:
        said = ask(client).json()
    assert said["looked"] is None and said["where"] is None and said["classes"]
