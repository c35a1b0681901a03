"""How the mailbox looks: a list with a search, one message, the form for rules."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from sandbox.maildir import Mail
from sandbox.rules import Rule

STYLE = Path(__file__).with_name("mailbox.css").read_bytes()

_PAGE = Markup(
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>%(title)s · Portico mailbox</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/style.css">'
    '</head><body><header><a href="/"><strong>Portico mailbox</strong></a>'
    '<span>Every mail that this copy sends ends here.</span><a href="%(portal)s">To the portal</a></header>'
    "<main>%(body)s</main></body></html>"
)

_RULE_FORM = Markup("""
<form method="post" action="/rules">
<label>What happens<select name="action"><option value="delay">delay the answer</option>
<option value="refuse">refuse with a code</option><option value="drop">hang up after the message</option>
<option value="silence">never answer</option><option value="offline">be away</option></select></label>
<label>To whom<input name="recipient" placeholder="* or *@acme.example"></label>
<label>At<select name="stage"><option value="data">the message</option><option value="rcpt">the recipient</option>
</select></label>
<label>Code<input name="code" type="number" min="400" max="599" placeholder="451"></label>
<label>Wait, seconds<input name="seconds" type="number" min="0" max="3600" step="0.1"></label>
<label>How often<input name="count" type="number" min="1" placeholder="always"></label>
<label>For, seconds<input name="lasts_seconds" type="number" min="1" placeholder="until cleared"></label>
<button class="main">Add the rule</button></form>
""")


@dataclass(frozen=True)
class Listing:
    """One page of the mailbox."""

    mails: Sequence[Mail]
    to: str
    total: int
    page: int
    last: int
    rules: Sequence[Rule]
    problem: str
    portal: str


def listing(shown: Listing) -> str:
    """Return the page with the newest mails and the rules."""
    body = Markup(
        '<h1>%s</h1>%s<form method="get" action="/"><label>Recipient contains<input name="to" type="search" '
        'value="%s"></label><button>Search</button></form>%s%s<h2 id="rules">What goes wrong on purpose</h2>%s%s'
    ) % (
        _counted(shown.total),
        Markup('<p class="problem" role="alert">%s</p>') % shown.problem if shown.problem else "",
        shown.to,
        _table(shown),
        _pages(shown),
        _RULE_FORM,
        _rules(shown.rules),
    )
    return str(_PAGE % {"title": "Mails", "portal": shown.portal, "body": body})


def message(mail: Mail, portal: str) -> str:
    """Return the page of one mail: both its bodies, its links, its headers."""
    facts = [
        ("Subject", mail.subject),
        ("From", mail.message.get("From", "")),
        ("To", mail.message.get("To", "")),
        ("Envelope", f"{mail.envelope_from} → {', '.join(mail.envelope_to)}"),
        ("Received", mail.received),
        ("Message-ID", mail.message_id),
    ]
    address = quote(mail.id, safe="")
    parts = [
        Markup("<h1>%s</h1>") % (mail.subject or "(no subject)"),
        Markup("<dl>%s</dl>")
        % _join(Markup("<dt>%s</dt><dd>%s</dd>") % (name, str(value)) for name, value in facts),
        Markup('<p>Code: <span class="code">%s</span></p>') % mail.code if mail.code else "",
        _links(mail),
        Markup(
            '<h2>HTML</h2><iframe title="The mail as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" '
            'src="/messages/%s/html"></iframe>'
        )
        % address
        if mail.html
        else "",
        Markup("<h2>Text</h2><pre>%s</pre>") % mail.text if mail.text else "",
        Markup("<h2>Headers</h2><pre>%s</pre>")
        % "\n".join(f"{name}: {value}" for name, value in mail.message.items()),
        Markup('<p><a href="/messages/%s/raw">As it came</a></p>') % address,
    ]
    return str(_PAGE % {"title": mail.subject or "Mail", "portal": portal, "body": _join(parts)})


def _table(shown: Listing) -> Markup:
    if not shown.mails:
        word = (
            "No mail to such an address."
            if shown.to
            else "Nothing was sent yet. Sign up in the portal, and the code arrives here."
        )
        return Markup('<p class="empty">%s</p>') % word
    rows = (
        Markup(
            '<tr><td class="time">%s</td><td>%s</td><td><a href="/messages/%s">%s</a></td><td><code>%s</code></td></tr>'
        )
        % (
            mail.received.replace("T", " ").rstrip("Z"),
            ", ".join(mail.envelope_to),
            quote(mail.id, safe=""),
            mail.subject or "(no subject)",
            mail.code or "",
        )
        for mail in shown.mails
    )
    return Markup(
        '<div class="wide"><table><thead><tr><th>Received (UTC)</th><th>To</th><th>Subject</th><th>Code</th></tr>'
        "</thead><tbody>%s</tbody></table></div>"
    ) % _join(rows)


def _pages(shown: Listing) -> Markup:
    if shown.last == 1:
        return Markup("")
    link = Markup('<a href="/?to=%s&amp;page=%d">%s</a>')
    to = quote(shown.to, safe="")
    newer = link % (to, shown.page - 1, "Newer") if shown.page > 1 else ""
    older = link % (to, shown.page + 1, "Older") if shown.page < shown.last else ""
    return Markup(
        '<nav class="pages" aria-label="Pages">%s<span class="soft">Page %d of %d</span>%s</nav>'
    ) % (newer, shown.page, shown.last, older)


def _rules(rules: Sequence[Rule]) -> Markup:
    if not rules:
        return Markup('<p class="soft">No rule is in force: every mail is taken at once.</p>')
    items = (
        Markup(
            '<tr><td>%s</td><td>%s</td><td><form method="post" action="/rules/%d/clear"><button>Clear</button></form></td></tr>'
        )
        % (_in_words(rule), rule.recipient, rule.id)
        for rule in rules
    )
    return Markup(
        '<div class="wide"><table><thead><tr><th>Rule</th><th>To</th><th>Take back</th></tr></thead><tbody>%s</tbody></table></div>'
        '<form method="post" action="/rules/clear"><button>Clear all</button></form>'
    ) % _join(items)


def _in_words(rule: Rule) -> str:
    words = {
        "delay": f"wait {rule.seconds:g} s before the answer",
        "refuse": f"refuse the {'recipient' if rule.stage == 'rcpt' else 'message'} with {rule.code}",
        "drop": "hang up after the message",
        "silence": "never answer",
        "offline": "be away",
    }[rule.action]
    often = "" if rule.count is None else f", {rule.count} more times"
    until = "" if rule.until is None else f", until {rule.until:%H:%M:%S} UTC"
    return words + often + until


def _links(mail: Mail) -> Markup:
    links = [Markup('<li><a href="%s" rel="noreferrer">%s</a></li>') % (link, link) for link in mail.links]
    return Markup("<h2>Links</h2><ul>%s</ul>") % _join(links) if links else Markup("")


def _counted(total: int) -> str:
    return {0: "No mails", 1: "1 mail"}.get(total, f"{total} mails")


def _join(parts: Iterable[Markup | str]) -> Markup:
    return Markup("").join(parts)
