"""Pages to papers. `parse` takes any document there is; the parsers behind it are pure, one file a format family."""

from digest.model import Page, ParsedPage
from digest.pages import recognise
from digest.pages.outcome import unrecognised


def parse(page: Page) -> ParsedPage:
    """The papers a page lists, by a parser chosen from its content. Never raises, on no bytes whatever.

    The status tells four ends apart: OK, EMPTY (a known format that lists nothing), BROKEN (cut, damaged, or a
    challenge instead of the page) and UNRECOGNISED. For all but OK `reason` says what to do; an OK page may have one too,
    where its end is missing. One bad entry costs itself only and is listed under `rejected`.
    """
    try:
        return recognise.read(page)
    except Exception as error:  # noqa: BLE001 - the last line of defence: no page may stop the others
        return unrecognised(
            f"It could not be read ({type(error).__name__}); this is a fault of the program, please report it."
        )
