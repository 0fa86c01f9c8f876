"""A disk that fails and power that is cut cost nobody a digest, and no commit that was acknowledged."""

import errno
import os

import pytest

from digest.settings import write_private
from tests.torture import disk, power

pytestmark = pytest.mark.skipif(disk.can_run() is not None, reason=str(disk.can_run()))
IN_CI = bool(os.environ.get("CI"))


@pytest.mark.slow
def test_a_disk_that_fails_at_any_write_is_told_in_words_and_costs_nobody_a_digest():
    outcome = disk.fail(every=10 if IN_CI else 60, seed=20260302)
    assert outcome.trials >= outcome.calls // 60
    assert outcome.unclear == []
    assert (outcome.lost, outcome.different, outcome.damaged) == (0, 0, 0)
    assert outcome.twice <= outcome.trials


@pytest.mark.slow
def test_power_that_is_cut_takes_no_commit_that_was_acknowledged():
    outcome = power.cut(60 if IN_CI else 12, seed=20260302)
    assert outcome.acknowledged > outcome.cuts
    assert (outcome.gone, outcome.lost, outcome.different, outcome.damaged) == (0, 0, 0, 0)


def test_the_trial_of_power_sees_what_a_faster_database_would_lose():
    outcome = power.cut(12, seed=20260302, synchronous="OFF")
    assert outcome.gone + outcome.damaged > 0


def test_a_secret_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_private(tmp_path / "secret", "sixteen letters!")
    assert list(tmp_path.iterdir()) == []
    write_private(tmp_path / "secret", "sixteen letters!")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "secret", "another")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["sixteen letters!"]
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
