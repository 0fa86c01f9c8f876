"""The words of mails: what they share is kept once, and as long as any of them is kept."""

from datetime import timedelta
from threading import Thread

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import delete, func, insert, select

from digest.model import Digest, Envelope, Message
from digest.store import Store, bodies, desk
from digest.store.bodies import forget_pieces, read_bodies, read_body
from digest.store.owing import Owed, owe_digests
from digest.store.schema import messages, pieces
from digest.writing import Shared, Tokens, Writing, literal
from tests.builders import NOW, SHARED, a_profile, an_issue, owe, subscribe

DAY = timedelta(days=1)
COMMON = [Shared.of(b"%d %% is the same for everybody\r\n" % number * 9) for number in range(6)]


def count(store, table=pieces):
    with store.reading() as db:
        return db.scalar(select(func.count()).select_from(table))


def write(store, number, *shares, now=NOW):
    """A digest of these forms is owed; its delivery and its bytes."""
    person = subscribe(store, a_profile(email=f"reader{number}@example.org"), now=now)
    writing = Writing.of([literal(b"%d is 100 %% my own\r\n" % number), *shares], Tokens())
    message = Message(f"<{number}@x>", Envelope("digest@example.org", person.email), "A digest", writing)
    digest = Digest(an_issue(), person.email, (), 0, person.profile)
    with store.writing() as tx:
        [delivery] = owe_digests(tx, [Owed(digest, message, person, ())], now=now).values()
    return delivery, message.raw


def forget(store, *gone, now=NOW):
    with store.writing() as tx:
        tx.execute(delete(messages).where(messages.c.delivery_id.in_(gone)))
        return forget_pieces(tx, now)


def read(store, delivery):
    bodies._remembered.words = {}  # as another process, which has read nothing yet
    with store.reading() as db:
        return read_body(db, delivery)


def test_what_mails_share_is_kept_once(store):
    written = [write(store, number, *COMMON[:3]) for number in range(4)]
    assert count(store) == 3
    assert [read(store, delivery) for delivery, _ in written] == [raw for _, raw in written]


def test_pieces_are_kept_as_long_as_a_mail_needs_them(store):
    first, _ = write(store, 1, *COMMON[:2])
    second, raw = write(store, 2, *COMMON[1:3], now=NOW + 10 * DAY)
    later = NOW + 100 * DAY
    assert forget(store, now=later) == 0
    assert forget(store, first, now=later) == 1  # the other was put to use again
    assert read(store, second) == raw
    assert forget(store, second, now=later) == 2
    assert (count(store), count(store, messages)) == (0, 0)


def test_a_mail_that_is_tried_again_much_later_is_still_whole(store):
    late, raw = write(store, 1, *COMMON)
    with store.writing() as tx:
        desk.hold(tx, late)
        desk.retry(tx, late, now=NOW + 50 * DAY)
    write(store, 2, now=NOW + 50 * DAY)
    assert forget(store, now=NOW + 51 * DAY) == 0
    assert read(store, late) == raw


def test_what_was_used_of_late_is_kept_for_the_mails_of_tomorrow(store):
    only, _ = write(store, 1, *COMMON)
    assert forget(store, only, now=NOW + DAY) == 0
    assert forget(store, now=NOW + DAY + timedelta(seconds=1)) == len(COMMON)


def test_nothing_is_forgotten_under_the_hands_of_a_writer(store):
    only, _ = write(store, 1, SHARED)
    forget(store, only)
    writer = Thread(target=forget, args=[store], kwargs={"now": NOW + 9 * DAY})
    message = Message("<2@x>", Envelope("a@x.org", "b@x.org"), "s", Writing.of([SHARED], Tokens()))
    with store.writing() as tx:
        bodies.keep_pieces(tx, [message], now=NOW)  # late, as a worker that was stopped for days
        writer.start()
        writer.join(0.3)
        assert writer.is_alive()
    writer.join(10)
    assert not writer.is_alive()


def test_a_lost_piece_costs_only_the_mails_it_is_in(store, caplog):
    broken, _ = write(store, 1, COMMON[0], COMMON[1])
    fine, raw = write(store, 2, COMMON[1])
    with store.writing() as tx:
        tx.execute(delete(pieces).where(pieces.c.key == COMMON[0].key.decode()))
        bodies._remembered.words = {}
        assert read_bodies(tx, [broken, fine]) == {fine: raw}
    assert f"delivery id={broken} cannot be put together" in caplog.text


def test_a_mail_of_an_earlier_release_leaves_as_it_was_written(store):
    raw = b"100 % and %(a)b and %%\r\n"
    delivery = owe(store, 1)
    with store.writing() as tx:
        tx.execute(delete(messages))
        tx.execute(insert(messages).values(delivery_id=delivery, raw=raw))
    assert read(store, delivery) == raw


def test_what_was_rolled_back_is_kept_the_next_time(store):
    message = Message("<1@x>", Envelope("a@x.org", "b@x.org"), "s", Writing.of([SHARED], Tokens()))
    for is_last in (False, True):
        with store.writing() as tx:
            bodies.keep_pieces(tx, [message], now=NOW)
            if not is_last:
                tx.rollback()
    assert count(store) == 1


@settings(max_examples=60, stateful_step_count=40, deadline=None)
class Shelf(RuleBasedStateMachine):
    """Mails are written and forgotten in any order while days pass; each that is kept can be put together."""

    @initialize()
    def open(self):
        self.store = Store("sqlite://", secret=b"a test")
        self.now, self.kept, self.count = NOW, {}, 0

    @rule(shares=st.lists(st.sampled_from(COMMON), max_size=4))
    def write(self, shares):
        self.count += 1
        delivery, raw = write(self.store, self.count, *shares, now=self.now)
        self.kept[delivery] = raw

    @rule(hours=st.sampled_from([1, 20, 30, 70, -5]))
    def time_passes(self, hours):
        self.now += timedelta(hours=hours)

    @rule(place=st.integers(0, 9))
    def forget(self, place):
        gone = sorted(self.kept)[place : place + 1]
        for delivery in gone:
            del self.kept[delivery]
        forget(self.store, *gone, now=self.now)

    @invariant()
    def every_mail_is_whole(self):
        if hasattr(self, "store"):
            bodies._remembered.words = {}
            with self.store.reading() as db:
                assert read_bodies(db, self.kept) == self.kept

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()


TestShelf = Shelf.TestCase
