"""`config/digest.toml` as it is written: every table, its keys, their defaults and what they mean."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from digest.model import Weekday


class Strict(BaseModel):
    """A table of a configuration file: unknown keys are mistakes, values are never changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class SenderSettings(Strict):
    """Who the mail is from."""

    name: str = Field("Paper Digest", description="display name in From", max_length=80)
    address: str = Field("digest@localhost.localdomain", description="address in From; must be set for SMTP")
    reply_to: str | None = Field(None, description="where answers go; From when unset")
    postal_address: str | None = Field(None, description="shown in the footer, where the law asks for it")
    list_id: str | None = Field(None, description="stable List-ID, for instance papers.example.org")
    unsubscribe_mailto: str | None = Field(
        None, description="address that takes unsubscribe requests by mail"
    )


class SmtpSettings(Strict):
    """The next mail server. Never silently plaintext: the mode is stated, and a password needs TLS."""

    host: str = Field("localhost", description="name of the server; its certificate must carry it")
    port: int = Field(587, description="587 with starttls, 465 with tls, 25 with none", ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="starttls | tls | none")
    username: str | None = Field(None, description="the password comes from DIGEST_SMTP_PASSWORD in .env")
    ca_file: Path | None = Field(
        None, description="PEM file of a private server's authority, inside the home unless absolute"
    )
    auth: Literal["auto", "plain", "login", "xoauth2"] = Field(
        "auto", description="auto | plain | login | xoauth2, where the password is the access token"
    )
    timeout: float = Field(
        60.0,
        description="seconds for connecting and for each answer, complete; 5 at most for finding the server's address",
        gt=0,
        le=600,
    )
    end_timeout: float = Field(
        600.0,
        description="seconds for the answer to a whole message; too few make doubtful ones",
        gt=0,
        le=3600,
    )

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> Self:
        if self.security == "none" and self.username:
            raise ValueError(
                'a password would travel in clear: use security = "starttls" or "tls", or remove username'
            )
        return self


class DeliverySettings(Strict):
    """How mail leaves."""

    transport: Literal["files", "maildir", "smtp"] = Field(
        "files", description="files (.eml) | maildir | smtp"
    )
    folder: Path = Field(
        Path("data/outbox"), description="for files and maildir; inside the home unless absolute"
    )
    batch: int = Field(50, description="messages claimed at a time; 8 a connection at least", ge=1, le=1000)
    lease_seconds: int = Field(
        300, description="after this a claim of a dead worker may be taken over", ge=30
    )
    give_up_after_hours: float = Field(
        20.0, description="a digest not sent by then is failed, and its papers may come with the next", gt=0
    )
    connections: int = Field(
        3, description="at most so many connections to the mail server at once", ge=1, le=32
    )
    per_second: float = Field(0.0, description="at most so many messages a second; 0 = no limit", ge=0)
    per_domain_per_second: float = Field(
        0.0, description="at most so many a second to one domain; 0 = no limit", ge=0
    )
    on_unknown: Literal["resend", "hold"] = Field(
        "resend",
        description="a message that may have left: resend the same bytes | hold for `digest outbox resolve`",
    )


class LookSettings(Strict):
    """How mails look."""

    theme: str = Field("paper", description="paper | ink | sea | moss")
    logo: Path | None = Field(
        None, description="PNG or GIF above the digest, at most 20 kB; inside the home unless absolute"
    )
    light: dict[str, str] = Field(
        {}, description='colours of one\'s own by day, for instance { accent = "#8a3b12" }'
    )
    dark: dict[str, str] = Field({}, description="and by night")


class DkimSettings(Strict):
    """Signing mails here; leave it out when the mail server signs."""

    domain: str | None = Field(None, description="domain of the sender's address")
    selector: str = Field("digest", description="name of the DNS record: SELECTOR._domainkey.DOMAIN")
    key_file: Path = Field(Path("data/dkim.pem"), description="RSA private key, 2048 bits, as PEM")
    ed25519_selector: str = Field("digest-ed", description="name of the second key's DNS record")
    ed25519_key_file: Path | None = Field(None, description="Ed25519 private key for a second signature")


class BouncesSettings(Strict):
    """Mail that comes back; without it refusals are only known when the mail server tells at once. See [mailbox]."""

    address: str | None = Field(
        None,
        description="where it goes, signed for each mail: bounces+TOKEN@...",
        pattern=r"^[^@\s+]+@[^@\s]+$",
    )


class MailboxSettings(Strict):
    """Where mail that comes back and commands arrive: a Maildir, or a folder on an IMAP server. A mailbox of its own."""

    address: str | None = Field(
        None,
        description="takes subscribe, help, pause, resume and unsubscribe by mail",
        pattern=r"^[^@\s+]+@[^@\s]+$",
    )
    maildir: Path | None = Field(None, description="Maildir; inside the home unless absolute")
    host: str | None = Field(None, description="name of the IMAP server; its certificate must carry it")
    port: int = Field(993, description="993 with tls, 143 with starttls", ge=1, le=65535)
    security: Literal["tls", "starttls"] = Field("tls", description="tls | starttls; never in clear")
    username: str | None = Field(
        None, description="the password comes from DIGEST_IMAP_PASSWORD in .env", pattern=r"^[ -!#-\[\]-~]+$"
    )
    auth: Literal["password", "xoauth2"] = Field(
        "password", description="password | xoauth2, where the password is the access token"
    )
    folder: str = Field("INBOX", description="folder that is read", pattern=r"^[ -!#-\[\]-~]+$")
    done_folder: str | None = Field(
        None,
        description="what was read goes there; it stays where it is when unset",
        pattern=r"^[ -!#-\[\]-~]+$",
    )
    ca_file: Path | None = Field(
        None, description="PEM file of a private server's authority, inside the home unless absolute"
    )
    timeout: float = Field(60.0, description="seconds for each answer, complete", gt=0, le=600)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.maildir is not None and self.host is not None:
            raise ValueError("give maildir or host, not both: mail is read in one place")
        if self.host is not None and self.username is None:
            raise ValueError("give username, too; the password comes from DIGEST_IMAP_PASSWORD in .env")
        if self.address is not None and self.maildir is None and self.host is None:
            raise ValueError("give maildir or host: where does mail to that address arrive?")
        return self


class WebSettings(Strict):
    """The web pages: their public address, when there are any (links in mails need it), and their limits."""

    url: str | None = Field(
        None, description="for instance https://papers.example.org", pattern=r"^https?://[^\s/]+"
    )
    proxies: tuple[str, ...] = Field(
        ("127.0.0.1", "::1"), description="servers in front, whose word on who asks is taken"
    )
    posts_per_minute: int = Field(240, description="forms and previews one network may send a minute", ge=1)
    confirmations_per_day: int = Field(
        200,
        description="confirmation mails to new addresses in 24 hours; a quarter of them to one domain",
        ge=1,
    )


class AlertSettings(Strict):
    """Mail to whoever runs this, when something needs a look: at most once an hour."""

    to: str | None = Field(None, description="who gets it; nobody when unset", pattern=r"^[^@\s]+@[^@\s]+$")
    source_days: float = Field(2.0, description="days after which a source that gives nothing is told", gt=0)
    least_free_mb: int = Field(
        200, description="with less free space nothing new is taken in, and that is told; 0 = no limit", ge=0
    )


class PublishSettings(Strict):
    """What may enter a digest."""

    lookback_days: int = Field(
        7, description="papers picked up in the last days may enter a daily digest", ge=1, le=90
    )
    corpus_days: int = Field(90, description="papers the scorer learns its vocabulary from", ge=7, le=3650)
    corpus_papers: int = Field(20_000, description="at most so many of them, the newest", ge=100)
    sentences: bool = Field(
        False, description="rank with a model of language too; needs the extra [semantic]"
    )


class RetentionSettings(Strict):
    """How long things are kept; suppressions and what a reader taught the scorer stay until they leave."""

    messages_days: int = Field(
        60,
        description="days for the text of a mail after it was sent, for `outbox show` and its web page",
        ge=1,
    )
    ledger_days: int = Field(
        400, description="days for what was sent and shown, and why somebody got nothing", ge=120
    )
    bounces_days: int = Field(180, description="days for reports that came back", ge=30)


class ScheduleSettings(Strict):
    """How often `digest run` looks."""

    ingest_minutes: float = Field(
        30.0, description="between two looks at an address; folders are looked at every minute", gt=0
    )
    publish_minutes: float = Field(1.0, description="between two looks at who is due", gt=0)
    deliver_minutes: float = Field(1.0, description="between two looks at the outbox", gt=0)


class ClusterSettings(Strict):
    """Many workers for one digest; needs PostgreSQL and the extra digest[cluster]."""

    engine: Literal["none", "procrastinate"] = Field(
        "none",
        description="none: `digest run` does everything itself | procrastinate: it plans, `digest worker` works",
    )


class SourceSettings(Strict):
    """A place that publishes pages: exactly one of `path` and `url`."""

    name: str = Field(description="short name, shown in status", min_length=1, max_length=60)
    path: Path | None = Field(None, description="folder or file; inside the home unless absolute")
    url: str | None = Field(
        None,
        description="http or https address; {date}, {page} and {start} are filled in",
        pattern=r"^https?://",
    )
    every_minutes: float | None = Field(
        None, description="its own pace, instead of [schedule] ingest_minutes", gt=0
    )
    days: tuple[Weekday, ...] = Field(
        (), description='weekdays on which it has pages, for instance ["mon", "tue"]; all when empty'
    )
    catch_up_days: int = Field(
        7, description="with {date}: days that are asked for after the machine was off", ge=1, le=60
    )
    page_size: int = Field(100, description="with {start}: how far apart two parts are", ge=1, le=2000)
    allow_private: bool = Field(False, description="allow an address inside your own network")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give exactly one of path (a folder or file) and url")
        return self


class DigestFile(Strict):
    """`config/digest.toml` as it is written."""

    sender: SenderSettings = SenderSettings()
    delivery: DeliverySettings = DeliverySettings()
    smtp: SmtpSettings = SmtpSettings()
    look: LookSettings = LookSettings()
    dkim: DkimSettings = DkimSettings()
    bounces: BouncesSettings = BouncesSettings()
    mailbox: MailboxSettings = MailboxSettings()
    web: WebSettings = WebSettings()
    alerts: AlertSettings = AlertSettings()
    publish: PublishSettings = PublishSettings()
    retention: RetentionSettings = RetentionSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    cluster: ClusterSettings = ClusterSettings()
    source: tuple[SourceSettings, ...] = (SourceSettings(name="pages", path=Path("pages")),)
