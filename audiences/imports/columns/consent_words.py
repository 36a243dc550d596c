"""Which columns look as if they say who may be contacted, and who may not.

Such a column is never passed over in silence: a list of opt-outs would become a list of
people to write to. Better one column too many: whoever knows it names it (--ignore).
"""

import re

from audiences.files import folded

from .action_words import TELLING, is_about_leaving, plain

# Parts of a heading, as `plain` leaves them. English, Dutch and the words of known
# systems; German, French, Spanish and Italian where their exports have them.
_PARTS = (
    "opt(in|out)",
    "opted(in|out)",
    "unsub",
    "desub",
    "subscri",
    "consent",
    "permission",
    "gdpr",
    "privacy",
    "legalbasis",
    "(black|block|deny|stop|suppress(ion)?)list",
    "^(is)?(e?mail|sms|post)?stop(ped)?(e?mail|sms|mailings?)?$",
    "stoplijst",
    "blocked",
    "suppress",
    "do(es)?not",
    "dont",
    "nolonger",
    "nocontact",
    "no(e?mail|sms|call|phone|post|fax|push|news|marketing)",
    "contactable",
    "(can|may|okto|canbe|maybe)(e?mail|sms|call|phone|post|text|contact)",
    "(e?mail|sms|post|phone|contact|mailing|telefoon|bellen)(ok|ja/?nee|j/?n|gewenst|gewunscht|permitted)$",
    "[ck]onta[ck]t(ok|allowed|erlaubt|erwunscht)",
    "^(receive|want|get|send)s?(e?mails?|newsletter)",
    "bulke?mail",
    "reachable",
    "erased|forget|forgotten|^rtbf",
    "^(is)?deleted(at|on)?$",
    "^opted",
    "^agreed?(to|$)",
    "^(un)?(confirmed|verified)(at|on)?$",
    "tcpa|^casl|canspam|lopd|ccpa|popia",
    "lawfulbasis|legitimateinterest",
    "^exclude|unwanted",
    "^onhold$|^(un)?muted?$|^paused?$|^snooz",
    "deceased",
    "bounce",
    "complain",
    "spam",
    "^marketing(ok|allowed|status|permission|contactstatus|e?mails?)?$",
    "(e?mail|sms|phone|direct)marketing",
    "newsletter",
    "mailing(list|allowed|status)|^e?mailings?$",
    "^(channel|contact|communication|e?mail|marketing)?preferences?$",
    "(e?mail|sms|phone|call|contact|subscriber|member|list)status",
    "globalstatus",
    "allows?(e?mail|sms|call|post|contact|marketing|ed)",
    "accept(s|ed|e|er|a)?(les|de|la)?(e?mail|sms|call|post|marketing|newsletter|publici|pub)",
    "^accepte[rz]?$",
    "revoke",
    "withdr(a|e)w",
    "object(ion|ed)",
    "cleaned",
    "cleantime",
    "cleancampaign",
    # Dutch
    "afmeld",
    "afgemeld",
    "aanmeld",
    "aangemeld",
    "uitschr",
    "uitgeschr",
    "inschr",
    "ingeschr",
    "opgezegd",
    "opzeg",
    "toestem",
    "bezwaar",
    "geblok",
    "blokk",
    "toesta(an|at)",
    "toege(staan|laten)",
    "akkoord",
    "abonne",
    "reclame",
    "benader",
    "voorkeur",
    "gemaild|gebeld|gecontacteerd|aangeschreven",
    "geenco",
    "geen(e?mail|sms|post|bel|tel|fax|push|nieuws|reclame|market|dm$)",
    "niet(e?mail|sms|bel|bena|contact|meer|stu|post|market|versturen|gebruik)",
    "ontvangt?(e?mail|nieuws|sms|post)",
    "status(e?mail|sms|mailing|nieuws)",
    "ongewenst|uitsluit|uitgesloten",
    "overleden",
    "grondslag|gerechtvaardigd",
    "telemarketing|^bmn$",
    "^pauze",
    "(mag|wil)(niet|geen|e?mail|sms|gebeld|bena|contact|nieuws)",
    "(e?mail|bel|sms)verbod",
    "nieuwsbr",
    "contactverbod",
    "bereikbaar",
    "verwijder",
    "verzet",
    "^avg",
    # What other lists are called.
    "^dnc",
    "^dnd$",
    "^dne$",
    "bfnr",
    "belmeniet",
    "robinson",
    "(zwartelij|schwarzeli|sperrli)st",
    "(list|liste|listen|lijst|globale?r?)stat(us|ut)",
    "^(is)?(in)?(active|actief|aktiv|actif|activo|attivo)$",
    "^(is)?(en|dis)abled$",
    # German
    "(ab|an)(ge)?meld",
    "abbestell",
    "einwillig",
    "widerruf",
    "widerspr",
    "sperr(e|t|vermerk)",
    "blockiert",
    "austrag|ausgetragen",
    "^werbung",
    "^bestatigt(am)?$",
    "rechtsgrundlage",
    "verstorben",
    "werbe(sperre|erlaub|verbot)",
    "(nicht|keine?)(mehr)?(per|mit)?(e?mail|sms|anruf|kontakt|werb|newsletter|post)",
    "dsgvo",
    # French
    "abonn",
    "desinscri",
    "listenoire",
    "nepas",
    "neplus",
    "refus",
    "pasde(e?mail|sms|pub|contact|demarch)",
    "^accord",
    "bloqu|blocage",
    "listerouge|bloctel",
    "autoris",
    "baselegale",
    "decede",
    "consentement",
    "opposition",
    "rgpd",
    # Spanish and Italian
    "listanegra",
    "listanera",
    "suscri",
    "iscri",
    "consentimiento",
    "consenso",
    "^baja$",
    "nocontactar",
    "nollamar",
    "nonc(ontattare|hiamare)",
    "noparticipar",
    "debaja",
    "publicidad",
    "nomolestar",
    "cancellato",
    # Portuguese, Polish, Czech and Nordic
    "descadastr",
    "^zgod",
    "souhlas",
    "sam(tyck|tykk)",
    "(av|af|til|fra)(registr|prenum|meld)",
)
_HEADING = re.compile("|".join(_PARTS))

# What whole cells say where a heading says nothing ("status"), besides the words of
# `action_words`.
_VALUES = frozenset(
    folded(word)
    for word in (
        *("unsubscribed", "unsubscribe", "subscribed", "non-subscribed", "opted out"),
        *("opt-out", "opted in", "opt-in", "optout", "optin", "double opt-in"),
        *("blacklisted", "blocklisted", "blocked", "denylisted", "suppressed"),
        *("do not contact", "do not email", "do not call", "do not mail", "dnc"),
        *("no contact", "no longer contact", "not contactable", "no consent"),
        *("consent given", "consent withdrawn", "revoked", "withdrawn", "cleaned"),
        *("bounced", "hard bounce", "soft bounce", "complained", "complaint", "spam"),
        *("afgemeld", "aangemeld", "uitgeschreven", "ingeschreven", "opgezegd"),
        *("geen contact", "niet mailen", "niet bellen", "niet benaderen", "bezwaar"),
        *("geen toestemming", "toestemming", "geblokkeerd", "geen e-mail", "stop"),
        *("ongewenst", "mag niet", "wil niet", "niet meer mailen", "abgemeldet"),
    )
)
_LONGEST_WORD = 30


def is_about_consent(heading: str) -> bool:
    """Whether a column with this heading may say who may be contacted."""
    return bool(_HEADING.search(plain(heading)))


# What says of somebody that they may be contacted, where nothing turns it round.
_ALLOWS = re.compile(
    r"subscribed?$|subscriber$|opt(ed)?in|consent|permission|contactable|accept|agree"
    r"|allow|(can|may|canbe|maybe|okto)(e?mail|sms|call|contact|phone|text)|ok$"
    r"|toestem|toegesta|akkoord|aangemeld|ingeschr|geabonneerd|gewenst|(mag|wil)(e?mail"
    r"|sms|nieuws|contact|gebeld|gemaild|bena)|bereikbaar|ontvangt|einwillig|erlaub"
    r"|angemeldet|abonn|erwunscht|inscrit|consenso|consentimiento|iscritto|suscrito"
    r"|^(e?mail)?(newsletter|nieuwsbrief|marketing)$"
)
_TURNS = re.compile(
    r"refus|disallow|denied|ingetrokken|ongewenst|unerwunscht"
    r"|^no(?!ti|u|m)|^n'?accept|not(?!i)|geannul|declin|objec|exclu"
)


def says_who_may(heading: str) -> bool:
    """Whether a yes in a column with this heading says that somebody may be contacted,
    so that a no is the opt-out."""
    word = plain(heading)
    turns = is_about_leaving(heading) or _TURNS.search(word)
    return bool(_ALLOWS.search(word)) and not turns


def says_consent(text: str) -> bool:
    """Whether a cell says that somebody may, or may not, be contacted."""
    if len(text) > _LONGEST_WORD:
        return False
    word = folded(text)
    if word in _VALUES or word in TELLING:
        return True
    return not text.isascii() and plain(text) in TELLING
