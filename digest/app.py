"""The composition root: settings -> store, sources, writer, transport. Nothing else constructs them."""

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from digest.alerts import alert
from digest.commands import Clerk, MailboxReport, look_into_mailbox, open_mailbox
from digest.deliver import DeliverReport, Policy, deliver
from digest.encoder import installed_encoder
from digest.errors import Mistake, SettingsError
from digest.ingest import IngestReport, Source, forget_dropped, ingest, ingest_pages
from digest.letters import Letters
from digest.logs import redact
from digest.mail.folders import FileTransport, MaildirTransport
from digest.mail.pace import Pace
from digest.mail.smtp import SmtpTransport
from digest.mail.transport import Transport
from digest.material import FittedOnce
from digest.model import Page, Skip, SkipReason
from digest.pages.folder import Unreadable
from digest.pages.places import polite_fetcher, read_places, settled_pages, wait_for_settling
from digest.pages.polite import PoliteFetcher
from digest.profiles import read_profiles
from digest.publish import Limits, PublishReport, publish
from digest.returns import return_path
from digest.settings import Settings, changed_tables, fixed_since_start, load_settings
from digest.sources import Trial, try_source
from digest.stationery import make_letters, read_secret
from digest.store import Store
from digest.store.people import has_file_owners
from digest.store.room import shortage_of
from digest.store.rounds import noted
from digest.subscriptions import Office, SyncReport, come_back, forget_asked, sync_profiles
from digest.tables import SourceSettings
from digest.tidy import TidyReport, tidy

_OUTCOMES = ("sent", "deferred", "failed", "suppressed", "unknown")


class App:
    """One home, opened. Close it, or use it as a context manager."""

    def __init__(
        self, settings: Settings, store: Store, letters: Letters, secret: bytes, *, web_url: str | None = None
    ) -> None:
        self.settings = settings
        self.store = store
        self._web_url = web_url
        self._fitted = FittedOnce()
        self._guests: dict[bool, PoliteFetcher] = {}
        self._one_delivery = threading.Lock()
        self.letters = letters
        self._secret = secret

    @classmethod
    def open(cls, home: Path, *, web_url: str | None = None) -> Self:
        """Read the settings and open the database. `web_url` is where pages answer when no address is configured.

        Raises `SettingsError` or `StoreError`.
        """
        settings, letters, secret = _furnished(home, web_url)
        # Addresses are hashed with the oldest secret: a new one must not forget whom we may not mail.
        oldest = _old_secrets(settings)[-1:] or (secret,)
        store = Store(settings.database.get_secret_value(), secret=oldest[0])
        return cls(settings, store, letters, secret, web_url=web_url)

    def renew(self) -> tuple[str, ...]:
        """Take over the settings as they are written now, all of them or none. Returns the tables that differ.

        A verb that is at work goes on with those it began with. Raises `SettingsError` for what cannot be used, or only
        from a new start on; `StoreError`.
        """
        new, letters, _ = _furnished(self.settings.home, self._web_url)
        if fixed := fixed_since_start(self.settings, new):
            raise SettingsError(fixed)
        changed = changed_tables(self.settings, new)
        with self._one_delivery:
            self.settings, self.letters = new, letters
        return changed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the database."""
        self.store.close()

    def ingest(self, *, now: datetime) -> IngestReport:
        """VERB 1 over the configured sources; nothing while the disk is nearly full."""
        if short := self.shortage():
            return IngestReport(unreachable={"disk": short})
        every = timedelta(minutes=self.settings.file.schedule.ingest_minutes)
        with noted(self.store, "ingest", now) as run:
            sources = self.sources()
            forget_dropped(self.store, sources)
            report = ingest(self.store, sources, _read_folder, every=every, now=now)
            run.tallies = {"pages": len(report.pages), "papers": sum(page.new for page in report.pages)}
        return report

    def ingest_paths(self, paths: Sequence[str], *, now: datetime) -> IngestReport:
        """VERB 1 over files, folders and addresses named by hand."""
        return ingest_pages(self.store, read_places(paths, now))

    @property
    def office(self) -> Office:
        """What changes of subscriptions work with."""
        web = self.settings.file.web
        url, hashed = web.url.rstrip("/") if web.url else None, self.store.address_hash
        return Office(
            self.letters, (self._secret, *_old_secrets(self.settings)), hashed, url, web.confirmations_per_day
        )

    def sync(self, *, now: datetime) -> SyncReport:
        """Bring the subscribers in line with their files; where their folder is gone, as a whole, nobody's file is."""
        folder = self.settings.subscribers_folder
        try:
            next(folder.iterdir(), None)
        except OSError as error:
            return self._without_files(f"{folder} is not there, or cannot be read: {error.strerror}")
        return sync_profiles(self.store, read_profiles(folder), now=now)

    def _without_files(self, said: str) -> SyncReport:
        """A disk that is not mounted must not end the subscription of everybody."""
        with self.store.reading() as db:
            if not has_file_owners(db):
                return SyncReport()
        kept = f"{said}; the last good version of every file is used meanwhile"
        skip = Skip("everybody with a file", SkipReason.BROKEN_PROFILE, kept)
        return SyncReport((Mistake(str(self.settings.subscribers_folder), "", kept),), (skip,))

    def publish(self, *, now: datetime) -> PublishReport:
        """VERB 2, after `sync`; nothing while the disk is nearly full."""
        if short := self.shortage():
            report = PublishReport()
            report.count([Skip("everybody", SkipReason.FAILED, short)])
            return report
        with noted(self.store, "publish", now) as run:
            synced = self.sync(now=now)
            come_back(self.store, now=now)
            report = publish(self.store, self.letters, limits=self.limits(), now=now, fitted=self._fitted)
            run.tallies = {"queued": report.queued}
        report.skipped[:0] = synced.broken
        return report

    def shortage(self) -> str | None:
        """Why nothing new is taken in and planned, while the disk is nearly full."""
        with self.store.reading() as db:
            short = shortage_of(db, self.settings.home, self.settings.file.alerts.least_free_mb)
        return f"{short}; free some space" if short else None

    def alert(self, *, now: datetime) -> int:
        """Queue a mail to the operator about what needs a look, when it is time for one. Returns how many things."""
        return alert(self.store, self.letters, self.settings.file.alerts, self.settings.home, now=now)

    def limits(self) -> Limits:
        """What may enter a digest, as configured."""
        wanted = self.settings.file.publish
        return Limits(
            timedelta(wanted.lookback_days),
            timedelta(wanted.corpus_days),
            wanted.corpus_papers,
            installed_encoder() if wanted.sentences else None,
        )

    def deliver(
        self, *, clock: Callable[[], datetime], is_stopping: Callable[[], bool] = lambda: False
    ) -> DeliverReport:
        """VERB 3 through the configured transport."""
        # One at a time: a page may ask for one while the schedule's goes on.
        with self._one_delivery, noted(self.store, "deliver", clock()) as run:
            report = deliver(
                self.store, self._ways_out(), policy=self._policy(), clock=clock, is_stopping=is_stopping
            )
            run.error, run.tallies = report.stopped, {name: getattr(report, name) for name in _OUTCOMES}
        return report

    def _policy(self) -> Policy:
        wanted = self.settings.file.delivery
        return Policy(
            batch=wanted.batch,
            lease=timedelta(seconds=wanted.lease_seconds),
            give_up_after=timedelta(hours=wanted.give_up_after_hours),
            on_unknown=wanted.on_unknown,
            pace=Pace(wanted.per_second, wanted.per_domain_per_second),
            return_path=return_path(self._secret, self.settings.file.bounces.address),
        )

    def _ways_out(self) -> list[Transport]:
        wanted = self.settings.file.delivery
        return [self.transport() for _ in range(wanted.connections if wanted.transport == "smtp" else 1)]

    def read_mailbox(self, *, now: datetime) -> MailboxReport:
        """Take what came back and what was asked for by mail, where a mailbox is configured."""
        clerk = Clerk(self.store, self.office, self.letters, self.settings.file.mailbox.address)
        return look_into_mailbox(clerk, open_mailbox(self.settings), now=now)

    def tidy(self, *, now: datetime) -> TidyReport:
        """Forget what is older than the configuration says."""
        forget_asked(self.store, now=now)
        return tidy(self.store, self.settings.file.retention, now=now)

    def sources(self) -> list[Source]:
        """The configured sources, each with its way to be reached."""
        return [self.source(wanted) for wanted in self.settings.file.source]

    def source(self, wanted: SourceSettings) -> Source:
        """One source with its way to be reached."""
        if wanted.path is not None:
            return Source(wanted.name, path=self.settings.inside_home(wanted.path))
        return Source(
            wanted.name,
            url=wanted.url,
            fetcher=self._guest(allow_private=wanted.allow_private),
            every=timedelta(minutes=wanted.every_minutes) if wanted.every_minutes else None,
            days=wanted.days,
            catch_up_days=wanted.catch_up_days,
            page_size=wanted.page_size,
        )

    def _guest(self, *, allow_private: bool) -> PoliteFetcher:
        """One fetcher for all sources that may go equally far, so that they know of each other's requests."""
        if allow_private not in self._guests:
            self._guests[allow_private] = polite_fetcher(allow_private=allow_private)
        return self._guests[allow_private]

    def try_source(self, source: Source, *, now: datetime) -> list[Trial]:
        """What is understood of a source at the moment; nothing is stored. Raises `SourceError`."""
        wait_for_settling([source.path] if source.path else [])
        return try_source(source, _read_folder, now=now)

    def folders(self) -> list[Path]:
        """The places of the sources that are files or folders."""
        return [source.path for source in self.sources() if source.path is not None]

    def transport(self) -> Transport:
        """The configured way out."""
        wanted = self.settings.file.delivery
        if wanted.transport == "smtp":
            password = self.settings.smtp_password
            return SmtpTransport(self.settings.file.smtp, password.get_secret_value() if password else None)
        folder = self.settings.inside_home(wanted.folder)
        return MaildirTransport(folder) if wanted.transport == "maildir" else FileTransport(folder)


def _furnished(home: Path, web_url: str | None) -> tuple[Settings, Letters, bytes]:
    """The settings of a home, the writer of its mails, and its secret."""
    settings = load_settings(home)
    if web_url and settings.file.web.url is None:
        web = settings.file.web.model_copy(update={"url": web_url})
        settings = settings.model_copy(update={"file": settings.file.model_copy(update={"web": web})})
    secret = read_secret(settings)
    redact.learn([*settings.secrets, secret.decode()])
    return settings, make_letters(settings, secret), secret


def _old_secrets(settings: Settings) -> tuple[bytes, ...]:
    return tuple(secret.get_secret_value().encode() for secret in settings.old_secrets)


def _read_folder(source: Source, now: datetime) -> Iterable[Page | Unreadable]:
    assert source.path is not None
    return settled_pages(source.path, source.name, now)
