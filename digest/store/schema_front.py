"""The tables of the front door: what waits for a word of its reader, who consented to what, and how often was asked."""

from sqlalchemy import Column, ForeignKey, Integer, Table

from digest.store.schema import Instant, RowId, Text, metadata

# A subscription, or a move to another address, that its reader has yet to confirm. What it asks for counts from then on.
requests = Table(
    "requests",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("purpose", Text, nullable=False),  # subscribe | address
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("email", Text, nullable=False),  # to be confirmed
    Column("profile", Text),  # JSON; null for a move
    Column("wording", Text, nullable=False),  # what the person agreed to, word for word
    Column("source", Text, nullable=False),  # where it was asked: web, mail, ...
    Column("asked_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
    Column("outcome", Text),  # null while it waits; confirmed | declined
    Column("settled_at", Instant),
)

# Proof of consent: kept as long as somebody is subscribed, and a while longer.
consents = Table(
    "consents",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("purpose", Text, nullable=False),
    Column("wording", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("confirmed_at", Instant, nullable=False),
)

# How often a mail was asked for, by whom: keyed hashes only, known to nothing else, forgotten after a month.
asks = Table(
    "asks",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),  # confirm | link | address
    Column("address_hash", Text, nullable=False),
    Column("domain_hash", Text, nullable=False),
    Column("network_hash", Text),  # null when it was asked by mail
    Column("wide_network_hash", Text),
    Column("is_mailed", Integer, nullable=False),
    Column("asked_at", Instant, nullable=False, index=True),
)
