"""What is told while the program runs: in words or as JSON, and never anything that is nobody's business."""

import io
import json
import logging

import pytest

from digest.logs import Redactor, start_logging, tell_each_step


class Terminal(io.StringIO):
    """A stream that says it is watched."""

    def isatty(self):
        return True


@pytest.fixture
def root():
    """The root logger, left as it was found."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
    for handler in handlers:
        logger.addHandler(handler)
    logger.setLevel(level)


def told(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_the_values_it_names(root):
    start_logging(stream := io.StringIO(), logging.INFO)
    logging.getLogger("digest.ingest").info("ingest source=%s papers=%d of %s", "arxiv", 12, "today")
    (entry,) = told(stream)
    assert entry["event"] == "ingest source=arxiv papers=12 of today"
    assert (entry["source"], entry["papers"], entry["level"]) == ("arxiv", 12, "info")
    assert entry["logger"] == "digest.ingest"
    assert entry["at"].endswith("+00:00")


def test_a_value_cannot_pose_as_the_level_of_its_line(root):
    start_logging(stream := io.StringIO(), logging.INFO)
    logging.getLogger("x").warning("done level=%s", "critical")
    assert told(stream)[0]["level"] == "warning"


def test_a_line_break_in_a_value_starts_no_line_of_its_own(root):
    for stream in (io.StringIO(), Terminal()):
        start_logging(stream, logging.INFO)
        logging.getLogger("x").info("source=%s", "a\r\n12:00:00Z info sent=1000")
        assert len(stream.getvalue().splitlines()) == 1


def test_a_person_at_a_terminal_reads_words(root):
    start_logging(stream := Terminal(), logging.INFO)
    logging.getLogger("x").info("publish queued=%d", 3)
    assert stream.getvalue().endswith("info publish queued=3\n")


def test_addresses_links_and_passwords_are_blacked_out(root):
    start_logging(stream := io.StringIO(), logging.INFO)
    log = logging.getLogger("x")
    log.info("refused rcpt=%s", "ada.lovelace@mail.example.org")
    log.info("GET /u/AAAAAAE4xq3T1bq9mWk2hQpZ0w-_x 200")
    log.info("connect postgresql://digest:hunter2horse@db.example.org/papers")
    try:
        int("no such reader: kenji@example.org")
    except ValueError:
        log.exception("failed")
    text = stream.getvalue()
    for secret in ("ada.lovelace", "AAAAAAE4xq3T1bq9mWk2hQpZ0w", "hunter2horse", "kenji@"):
        assert secret not in text
    assert "a***@mail.example.org" in text
    assert told(stream)[0]["rcpt"] == "a***@mail.example.org"


def test_a_secret_that_was_made_known_is_blacked_out_wherever_it_stands():
    redact = Redactor()
    redact.learn(["correct-horse", None, "abc"])
    assert redact("535 bad password correct-horse, abc") == "535 bad password ***, abc"


def test_titles_and_plain_paths_stay_readable():
    redact = Redactor()
    line = "page hf/2026-03-02.json: 41 papers, Attention @ scale, see digest/outbox.py"
    assert redact(line) == line


def test_a_service_tells_each_step_and_to_somebody_who_watches_only_what_needs_a_look(root):
    start_logging(io.StringIO(), logging.ERROR)
    tell_each_step()
    assert root.level == logging.INFO
    start_logging(Terminal(), logging.ERROR)
    tell_each_step()
    assert root.level == logging.WARNING
