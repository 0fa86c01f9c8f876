"""Whole mails, as they are. DIGEST_UPDATE_GOLDEN=1 rewrites them; look at the difference before you keep it."""

import os
from pathlib import Path

import pytest

from digest.mail import samples
from digest.mail.catalogue import sample, sample_message
from digest.mail.links import Links
from digest.mail.render import KINDS, Renderer
from digest.shipped import shipped

GOLDEN = Path(__file__).parent / "data" / "mails"
UPDATES = bool(os.environ.get("DIGEST_UPDATE_GOLDEN"))
RENDERER = Renderer()
CASES = {kind: (kind, samples.LINKS) for kind in KINDS} | {
    "digest-laptop": ("digest", Links(profile_file="config/subscribers/reader.toml"))
}


@pytest.mark.parametrize("name", CASES)
def test_a_mail_is_written_as_it_always_was(name):
    kind, links = CASES[name]
    rendered = sample(kind, RENDERER, links)
    written = {
        "html": rendered.html.encode(),
        "txt": f"Subject: {rendered.subject}\n\n{rendered.text}".encode(),
        "eml": sample_message(rendered, links).raw,
    }
    for suffix, content in written.items():
        golden = GOLDEN / f"{name}.{suffix}"
        if UPDATES:
            golden.parent.mkdir(exist_ok=True)
            golden.write_bytes(content)
        assert content == golden.read_bytes(), f"{golden.name} changed; DIGEST_UPDATE_GOLDEN=1 rewrites it"


def test_every_mail_has_its_folder_and_its_sample():
    folders = {folder.name for folder in (shipped("templates") / "email").iterdir() if folder.is_dir()}
    assert folders == set(KINDS)


def test_every_golden_mail_belongs_to_a_case():
    assert {file.stem for file in GOLDEN.iterdir() if file.suffix} == set(CASES)
