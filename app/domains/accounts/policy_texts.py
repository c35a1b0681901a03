"""The legal texts that every instance begins with, in two languages; an operator publishes newer ones."""

from dataclasses import dataclass
from datetime import UTC, datetime

VERSION = "2026-01"
EFFECTIVE_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class BuiltInText:
    """One text in one language."""

    type: str
    language: str
    title: str
    content_html: str
    must_accept: bool = True


_TERMS = """<h1>Terms of service</h1>
<p>These terms apply from 1 January 2026.</p>
<h2>What you get</h2>
<p>You may use the portal and its interfaces for yourself and for the organizations that you belong to. What
a plan includes is shown on the plan page; a trial ends by itself and costs nothing.</p>
<h2>What we ask of you</h2>
<p>Keep your password and your second factor to yourself. Tell us when somebody else may have used them. Do
not use the service to harm others or to get round its limits.</p>
<h2>Your data</h2>
<p>What you put in stays yours. You can export it and you can have it deleted. We keep it only as long as
your organization's settings say.</p>
<h2>When things go wrong</h2>
<p>We repair what we can and tell you what we know on the status page. Either side may end this agreement at
the end of a billing period.</p>"""

_PRIVACY = """<h1>Privacy</h1>
<p>This notice applies from 1 January 2026.</p>
<h2>What we keep</h2>
<p>Your name, your address, what you set up here, and a trail of what was changed, by whom and from where,
so that you and your organization can see what happened to your data.</p>
<h2>What we do with it</h2>
<p>We run the service with it. We do not sell it, and we show it to nobody but the people of your
organization.</p>
<h2>Your rights</h2>
<p>You can see, correct, export and delete your data: in your account, under Profile and Privacy.</p>"""

_COOKIES = """<h1>Cookies</h1>
<p>This notice applies from 1 January 2026.</p>
<p>We set three cookies, all for the service to work: one keeps you signed in, one protects forms against
other sites, and one remembers your language. There are no others.</p>"""

_TERMS_DE = """<h1>Nutzungsbedingungen</h1>
<p>Diese Bedingungen gelten ab dem 1. Januar 2026.</p>
<h2>Was du bekommst</h2>
<p>Du darfst das Portal und seine Schnittstellen für dich und für die Organisationen nutzen, denen du
angehörst. Was ein Tarif enthält, steht auf der Seite der Tarife; eine Probezeit endet von selbst und kostet
nichts.</p>
<h2>Worum wir dich bitten</h2>
<p>Behalte dein Passwort und deinen zweiten Faktor für dich. Sag uns, wenn sie jemand anders benutzt haben
könnte. Nutze den Dienst nicht, um anderen zu schaden oder um seine Grenzen zu umgehen.</p>
<h2>Deine Daten</h2>
<p>Was du eingibst, gehört weiterhin dir. Du kannst es ausgeben und löschen lassen. Wir bewahren es nur so
lange auf, wie es die Einstellungen deiner Organisation sagen.</p>
<h2>Wenn etwas schiefgeht</h2>
<p>Wir reparieren, was wir können, und sagen auf der Statusseite, was wir wissen. Beide Seiten können diese
Vereinbarung zum Ende eines Abrechnungszeitraums beenden.</p>"""

_PRIVACY_DE = """<h1>Datenschutz</h1>
<p>Dieser Hinweis gilt ab dem 1. Januar 2026.</p>
<h2>Was wir aufbewahren</h2>
<p>Deinen Namen, deine Adresse, was du hier einrichtest, und ein Verzeichnis dessen, was geändert wurde, von
wem und von wo aus, damit du und deine Organisation sehen können, was mit deinen Daten geschehen ist.</p>
<h2>Was wir damit tun</h2>
<p>Wir betreiben damit den Dienst. Wir verkaufen es nicht und zeigen es niemandem außer den Menschen deiner
Organisation.</p>
<h2>Deine Rechte</h2>
<p>Du kannst deine Daten einsehen, berichtigen, ausgeben und löschen lassen: in deinem Konto, unter Profil und
Datenschutz.</p>"""

_COOKIES_DE = """<h1>Cookies</h1>
<p>Dieser Hinweis gilt ab dem 1. Januar 2026.</p>
<p>Wir setzen drei Cookies, alle für den Dienst selbst: einer hält dich angemeldet, einer schützt Formulare
vor fremden Seiten, und einer merkt sich deine Sprache. Andere gibt es nicht.</p>"""

BUILT_IN: tuple[BuiltInText, ...] = (
    BuiltInText("terms", "en", "Terms of service", _TERMS),
    BuiltInText("terms", "de", "Nutzungsbedingungen", _TERMS_DE),
    BuiltInText("privacy", "en", "Privacy", _PRIVACY),
    BuiltInText("privacy", "de", "Datenschutz", _PRIVACY_DE),
    BuiltInText("cookies", "en", "Cookies", _COOKIES, must_accept=False),
    BuiltInText("cookies", "de", "Cookies", _COOKIES_DE, must_accept=False),
)
