"""The tables, as SQLAlchemy Core sees them. Migrations make them; a test holds the two against each other.

Words: see the README. Every `_at` is an aware datetime in UTC, every `_on` a date.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy import Text as AnyText

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column declared INTEGER.
RowId = BigInteger().with_variant(Integer(), "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware datetime. A naive one is a mistake of the caller and refused, whatever the database would take."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC for every database; without zone for SQLite, which stores text."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Aware again, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Text(TypeDecorator[str]):
    """Text without NUL, which means nothing to anybody: PostgreSQL cannot store it, and SQLite would."""

    impl = AnyText
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """What is stored, or looked for."""
        return value.replace("\0", "") if value and "\0" in value else value


sources = Table(
    "sources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),  # ok | empty | broken | unreachable | refused
    Column("reason", Text),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("tried_at", Instant, nullable=False),
    Column("succeeded_at", Instant),
    Column("next_try_at", Instant, nullable=False),
    Column("failures", Integer, nullable=False, default=0),  # in a row
    Column("papers", Integer, nullable=False, default=0),  # on the last page
    Column("place_hash", Text),  # where it was looked for then; an address may bear a key
)

pages = Table(
    "pages",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("content_hash", Text, nullable=False, unique=True),
    Column("format", Text),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("papers", Integer, nullable=False),
    Column("rejected", Text, nullable=False),  # JSON: [{"where", "reason"}]
    Column("listed_on", Date),
    Column("fetched_at", Instant, nullable=False),
    Index("ix_pages_source_name", "source", "name"),
)

papers = Table(
    "papers",
    metadata,
    Column("pk", RowId, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("title_key", Text, nullable=False, index=True),
    # How the abstract begins, without its markup; null when it is short.
    Column("abstract_key", Text, index=True),
    Column("abstract", Text),
    Column("url", Text),
    Column("authors", Text, nullable=False),  # JSON list
    Column("authors_count", Integer),
    Column("organization", Text),
    Column("organization_handle", Text),
    Column("published_on", Date),
    Column("fields", Text, nullable=False),  # JSON list
    Column("upvotes", Integer),
    Column("comments", Integer),
    Column("origins", Text, nullable=False),  # JSON: field -> id of the page its value came from
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False, index=True),
)

# A page that is read again adds a row only where upvotes or comments changed: with `pages.fetched_at` a time series.
listings = Table(
    "listings",
    metadata,
    Column("paper_pk", ForeignKey("papers.pk", ondelete="CASCADE"), primary_key=True),
    Column("page_id", ForeignKey("pages.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("position", Integer, nullable=False),
    Column("upvotes", Integer),
    Column("comments", Integer),
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("email", Text, nullable=False),
    Column("address_key", Text, nullable=False, unique=True),  # lower case
    Column("address_hash", Text, nullable=False, index=True),  # keyed; what suppressions know
    Column("status", Text, nullable=False),  # pending | active | paused | unsubscribed
    Column("status_reason", Text),
    Column("owner", Text, nullable=False),  # file | web
    Column("file", Text),  # name of the profile file
    Column("profile", Text, nullable=False),  # JSON, the last good one
    Column("profile_error", Text),  # why the file is not read at the moment
    Column("next_due_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("links_version", Integer, nullable=False, server_default=text("0")),  # one more ends all links
    Column("profile_version", Integer, nullable=False, server_default=text("0")),
    Column("profile_before", Text),  # JSON, what a change can be undone to
    Column("paused_at", Instant),
    Column("paused_until", Instant),  # null: until they come back themselves
    Column("catch_up_since", Instant),  # the next digest is to hold what was missed since
    Index(
        "ix_subscribers_due",
        "next_due_at",
        "id",
        sqlite_where=text("status = 'active'"),
        postgresql_where=text("status = 'active'"),
    ),
)

suppressions = Table(
    "suppressions",
    metadata,
    # Keyed hash: survives erasure and re-import without the address.
    Column("address_hash", Text, primary_key=True),
    Column("reason", Text, nullable=False),  # hard_bounce | complaint | manual
    Column("detail", Text),
    Column("created_at", Instant, nullable=False),
)

issues = Table(
    "issues",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("on_date", Date, nullable=False),
    Column("created_at", Instant, nullable=False),
)

_OPEN = text("state IN ('queued', 'deferred', 'sending')")

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),  # digest, confirm, ...
    Column("issue_id", ForeignKey("issues.id")),  # null for mails that belong to no Issue
    Column("issue_on", Date),
    Column("subscriber_id", ForeignKey("subscribers.id")),
    Column("message_id", Text, nullable=False, unique=True),
    Column("mail_from", Text, nullable=False),
    Column("rcpt_to", Text, nullable=False),
    Column("address_hash", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("queued_at", Instant, nullable=False),
    # When a worker may take it next: now, after backoff, or when its lease ends.
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("takeovers", Integer, nullable=False, default=0),  # claims after a worker that never settled
    Column("lease_owner", Text),
    # The final dot may have left: from here to `sent` is the one window of doubt.
    Column("handed_at", Instant),
    Column("last_reply", Text),
    Column("settled_at", Instant),
    UniqueConstraint("subscriber_id", "issue_id"),
    # A change of cadence or zone never makes two digests of one day.
    UniqueConstraint("subscriber_id", "issue_on"),
    Index("ix_deliveries_open", "due_at", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
)

# Apart from the rows that are searched all the time, so that a claim never reads a body it does not send.
messages = Table(
    "messages",
    metadata,
    Column("delivery_id", ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("raw", LargeBinary, nullable=False),  # the bytes that leave, or the recipe of them
    Column("written_at", Instant, index=True),  # of recipes
)

# What many mails say alike: see `digest.writing`, and `bodies` for how long.
pieces = Table(
    "pieces",
    metadata,
    Column("key", Text, primary_key=True),
    Column("words", LargeBinary, nullable=False),
    Column("used_at", Instant, nullable=False),
)

shown = Table(
    "shown",
    metadata,
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    Column("paper_pk", ForeignKey("papers.pk", ondelete="CASCADE"), primary_key=True),
    Column("delivery_id", ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("score", Text, nullable=False),  # JSON: value and reasons, for `digest explain`
    Column("updated_on", Date),  # the local date of the digest that told how it has risen since
)

# What digests held that were given up, for the day when one of them is tried after all.
withdrawn = Table(
    "withdrawn",
    metadata,
    Column("delivery_id", ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("paper_pk", ForeignKey("papers.pk", ondelete="CASCADE"), primary_key=True),
    Column("score", Text),  # as in `shown`; null for a paper of which it told news
)

skips = Table(
    "skips",
    metadata,
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    Column("issue_on", Date, primary_key=True),
    Column("why", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("skipped_at", Instant, nullable=False),
)

votes = Table(
    "votes",
    metadata,
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    Column("paper_pk", ForeignKey("papers.pk", ondelete="CASCADE"), primary_key=True),
    Column("direction", Text, nullable=False),  # more | less
    Column("voted_at", Instant, nullable=False),
)

# What keeps the next server from taking anything; one row while it lasts.
outages = Table(
    "outages",
    metadata,
    Column("name", Text, primary_key=True),  # of the way out
    Column("reason", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("next_probe_at", Instant, nullable=False),
    Column("probes", Integer, nullable=False, default=0),
)

# Mail that came back, and complaints.
bounces = Table(
    "bounces",
    metadata,
    Column("content_hash", Text, primary_key=True),  # the same report twice counts once
    Column("address_hash", Text, nullable=False, index=True),
    Column("delivery_id", ForeignKey("deliveries.id", ondelete="SET NULL"), index=True),
    Column("kind", Text, nullable=False),  # hard | soft | policy | complaint
    Column("status", Text),  # RFC 3463
    Column("detail", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
)
