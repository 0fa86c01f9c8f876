"""A personal digest of new papers, from the page to the mailbox.

    source  -> Page        pages.fetch, pages.folder    what a publisher said today
    Page    -> Paper       pages.parse                  one work, whoever lists it
    Paper   -> Score       ranking                      how well it fits one profile, and why
    Score   -> Digest      compose                      the few papers one reader gets in one Issue
    Digest  -> Message     mail.render, mail.message    the bytes that will leave, written once
    Message -> Delivery    store.outbox                 what is still owed, and to whom
    Delivery-> sent        deliver, mail.transport      accepted by the next server

The three verbs that move it along are `ingest`, `publish` and `deliver`; between them the database is the only memory.
"""

__version__ = "0.1.0"
