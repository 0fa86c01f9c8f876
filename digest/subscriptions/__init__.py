"""Who gets digests: people subscribe, confirm, change, pause, come back, leave and are forgotten.

Every function takes an open transaction, so that what happens together is durable together, the mails about it included:

    with app.store.writing() as tx:
        request(tx, app.office, wish, now=now)
"""

from digest.subscriptions.by_hand import change_status, put_status
from digest.subscriptions.files import SyncReport, sync_profiles
from digest.subscriptions.joining import (
    Asked,
    Standing,
    bar,
    confirm,
    decline,
    look_at,
    request,
    send_link,
)
from digest.subscriptions.leaving import erase, export, leave, undo_leaving
from digest.subscriptions.limits import forget_asked
from digest.subscriptions.moving import ask_to_move, confirm_move, look_at_move, stop_move
from digest.subscriptions.office import CONSENT, Office, Wish
from digest.subscriptions.shaping import (
    ConflictError,
    change_profile,
    come_back,
    pause,
    resume,
    revoke_links,
    tell_change,
    undo_change,
)

__all__ = [
    "CONSENT",
    "Asked",
    "ConflictError",
    "Office",
    "Standing",
    "SyncReport",
    "Wish",
    "ask_to_move",
    "bar",
    "change_profile",
    "change_status",
    "come_back",
    "confirm",
    "confirm_move",
    "decline",
    "erase",
    "export",
    "forget_asked",
    "leave",
    "look_at",
    "look_at_move",
    "pause",
    "put_status",
    "request",
    "resume",
    "revoke_links",
    "send_link",
    "stop_move",
    "sync_profiles",
    "tell_change",
    "undo_change",
    "undo_leaving",
]
