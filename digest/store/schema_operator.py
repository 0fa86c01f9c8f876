"""The tables of whoever runs it: what was done by hand, who is logged in, what is halted, how the verbs fare; and feeds."""

from sqlalchemy import Column, Float, ForeignKey, Integer, Table

from digest.store.schema import Instant, RowId, Text, metadata

# Every act of the operator and every refused login. It names rows, never addresses.
audit = Table(
    "audit",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("act", Text, nullable=False),  # "login", "resend", ...
    Column("about", Text, nullable=False),  # "delivery 12", "subscriber 3", ""
    Column("detail", Text, nullable=False),
    Column("network", Text, nullable=False),  # where from; "" for the command line
)

# Who is logged in as the operator. The cookie holds the key to a row; the row does not hold the key.
sessions = Table(
    "sessions",
    metadata,
    Column("key_hash", Text, primary_key=True),
    Column("began_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
)

# What the operator has stopped; one row while it lasts.
halts = Table(
    "halts",
    metadata,
    Column("name", Text, primary_key=True),  # "sending"
    Column("reason", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
)

# One row a verb: how often it ran, over all processes and restarts, and what the last time was like.
rounds = Table(
    "rounds",
    metadata,
    Column("verb", Text, primary_key=True),  # ingest | publish | deliver
    Column("count", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("seconds", Float, nullable=False),  # all of them together
    Column("last_seconds", Float, nullable=False),
    Column("last_began_at", Instant, nullable=False),
    Column("last_ended_at", Instant, nullable=False),
    Column("last_error", Text),  # null when the last time went well
    Column("tallies", Text, nullable=False),  # JSON: what all runs did, {"sent": 12, ...}
)

# Personal feeds. The address of one is signed over its serial: another serial, and the old address is no more.
feeds = Table(
    "feeds",
    metadata,
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    Column("serial", Integer, nullable=False),
    Column("is_open", Integer, nullable=False),  # 0 after it was revoked; the serial is never used again
    Column("renewed_at", Instant, nullable=False),
)
