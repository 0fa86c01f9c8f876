"""The HTML and CSS of every mail before two judges: a validator, and a table of what mail programs can do."""

import json
import subprocess
from collections.abc import Collection, Sequence

import pytest
from mjml import mjml2html

from digest.mail.catalogue import sample
from digest.mail.render import KINDS, Renderer
from digest.mail.themes import THEMES
from tests.mail_tools import node_module, program

pytestmark = pytest.mark.browser

RENDERER = Renderer()
# Mail is written for programs of twenty years: what the validator calls deprecated is what they need.
OFF = ["no-deprecated-attr", "no-inline-style", "no-conditional-comment", "doctype-style", "void-style"]
OFF += ["prefer-native-element", "prefer-tbody", "long-title"]  # role=article is MJML's; a title is a subject
VALIDATE = """
import { HtmlValidate } from "%s/dist/esm/index.js";
const off = Object.fromEntries(JSON.parse(process.argv[1]).map((rule) => [rule, "off"]));
const judge = new HtmlValidate({ extends: ["html-validate:recommended"], rules: off });
let mails = "";
for await (const chunk of process.stdin) mails += chunk;
const found = [];
for (const html of JSON.parse(mails)) {
  const report = await judge.validateString(html);
  found.push(report.results.flatMap((r) => r.messages.map((m) => `${m.line}: ${m.ruleId}: ${m.message}`)));
}
console.log(JSON.stringify(found));
"""
CAN_I = """
import { caniemail } from "%s/dist/index.js";
let mails = "";
for await (const chunk of process.stdin) mails += chunk;
const lostBy = (html) => Object.fromEntries(JSON.parse(process.argv[1]).map((client) => {
  const { issues } = caniemail({ clients: [client], html });
  return [client, [...new Set([...issues.errors.values()].flat().map((issue) => issue.title))]];
}));
console.log(JSON.stringify(JSON.parse(mails).map(lostBy)));
"""
# What may be lost where it is not known: corners become square, a preheader's height is 0 anyway.
HARMLESS = {
    "gmail.desktop-webmail": set(),
    "gmail.ios": set(),
    "gmail.android": set(),
    "apple-mail.macos": set(),
    "apple-mail.ios": set(),
    "outlook.ios": set(),
    "outlook.android": set(),
    "samsung-email.android": set(),
    "outlook.windows": {"border-radius", "overflow", "Attribute selector", "max-height property"},
}
# A declaration that the mail was thought of by day and by night: who does not know it loses nothing.
DECLARED = {"color-scheme CSS property", "color-scheme meta tag"}
BLANK = """<mjml lang="en" dir="ltr"><mj-head><mj-title>x</mj-title><mj-style>a{color:red}</mj-style></mj-head>
<mj-body><mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section></mj-body></mjml>"""


def ask(script: str, module: str, mails: Sequence[str], wanted: Collection[str]):
    """What the judge says of each mail."""
    source = script % node_module(module).resolve().as_uri()
    command = [program("node", "nodejs"), "--input-type=module", "--eval", source, json.dumps(sorted(wanted))]
    answer = subprocess.run(command, input=json.dumps(mails), capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.mark.parametrize("theme", THEMES)
def test_the_html_of_every_mail_is_valid(theme):
    renderer = Renderer(theme=THEMES[theme])
    found = ask(VALIDATE, "html-validate", [sample(kind, renderer).html for kind in KINDS], OFF)
    assert dict(zip(KINDS, found, strict=True)) == {kind: [] for kind in KINDS}


def test_the_validator_finds_what_it_should():
    broken = sample("digest", RENDERER).html.replace("</h2>", "</h3>")
    assert any("close-order" in message for message in ask(VALIDATE, "html-validate", [broken], OFF)[0])


def test_mail_programs_know_what_every_mail_uses():
    mails = [mjml2html(BLANK, fonts={}), *(sample(kind, RENDERER).html for kind in KINDS)]
    blank, *found = ask(CAN_I, "caniemail", mails, HARMLESS)
    for kind, unknown in zip(KINDS, found, strict=True):
        lost = {
            client: set(unknown[client]) - set(blank[client]) - harmless - DECLARED
            for client, harmless in HARMLESS.items()
        }
        assert {client: names for client, names in lost.items() if names} == {}, kind
