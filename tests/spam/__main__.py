"""Every digest of 20 readers on 20 real days before SpamAssassin and rspamd.

    python -m tests.spam [--shared ../shared] [--days 20] [--readers 20]

Prints each filter's scores and every rule that spoke against a mail; ends with 1 when a score is above -1.0. Needs
spamassassin and rspamd; neither asks a network.
"""

import argparse
import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.spam.filters import Verdict, rspamd, spamassassin
from tests.spam.mornings import Morning, mornings

BAR = -1.0


def told(name: str, mails: Sequence[Morning], verdicts: Sequence[Verdict]) -> int:
    """Print what a filter said; how many mails are above the bar."""
    scores = sorted(verdict.score for verdict in verdicts)
    above = [(m, v) for m, v in zip(mails, verdicts, strict=True) if v.score > BAR]
    print(f"{name}: {len(scores)} mails, {scores[0]:.2f} to {scores[-1]:.2f}; {len(above)} above {BAR}")
    against = Counter(rule for verdict in verdicts for rule in verdict.against)
    for rule, times in against.most_common():
        worst = max(verdict.rules.get(rule, 0.0) for verdict in verdicts)
        print(f"  {rule} {worst:+.2f} in {times}")
    for mail, verdict in above[:10]:
        print(f"  above: {mail.on} reader {mail.reader} {verdict.score:.2f} {verdict.against}")
    return len(above)


def main() -> None:
    """Make the mails, ask both, say what they said."""
    parser = argparse.ArgumentParser(description="Digests of real days before two spam filters.")
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[3] / "shared")
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--readers", type=int, default=20)
    options = parser.parse_args()
    missing = [name for name in ("spamassassin", "rspamd") if not shutil.which(name)]
    if missing:
        raise SystemExit(f"needs {' and '.join(missing)}: apt-get install {' '.join(missing)}")
    now = datetime.now(UTC)
    mails = list(mornings(options.shared, days=options.days, people=options.readers, now=now))
    with rspamd() as ask:
        above = told("rspamd", mails, [ask(mail.raw) for mail in mails])
    above += told("SpamAssassin", mails, spamassassin([mail.raw for mail in mails]))
    raise SystemExit(1 if above else 0)


if __name__ == "__main__":
    main()
