"""The words with which a file says that somebody subscribes, or leaves; by language.

Letter case, accents, spaces and hyphens do not count. A word that is none of these is
never guessed. Sources: the statuses of list providers in the languages of their
programs (Mailchimp, Brevo, MailPoet, HubSpot, Odoo), and what people write.
"""

import functools
import re
import unicodedata

from django.utils.translation import gettext_noop as _

from audiences.files import folded

from .meanings import FALSE, TRUE

SUBSCRIBE, UNSUBSCRIBE = "subscribe", "unsubscribe"
_LEAVING = {
    "en": "unsubscribe unsubscribed unsub opt-out opted-out opts-out signed-off"
    " left removed blocked blocklisted blacklisted denylisted suppressed complained"
    " complaint spam do-not-contact do-not-mail do-not-email revoked withdrawn",
    "nl": "afmelden afgemeld uitschrijven uitgeschreven opzeggen opgezegd geblokkeerd"
    " verwijderd niet-mailen geen-contact ingetrokken",
    "de": "abmelden abgemeldet austragen ausgetragen abbestellen abbestellt gekündigt"
    " gesperrt blockiert widerrufen widerruf gelöscht",
    "fr": "désabonner désabonné désabonnée désabonné(e) se-désabonner désinscrire"
    " désinscrit désinscrite désinscrit(e) se-désinscrire résilié bloqué bloquée"
    " retiré plainte",
    "es": "baja dar-de-baja dado-de-baja dada-de-baja cancelar cancelado cancelada"
    " desuscribir desuscrito desuscrita desuscripto bloqueado bloqueada anulado queja",
    "it": "disiscrivere disiscritto disiscritta disiscritto/a annullare annullato"
    " cancellare cancellato cancellata disdetto disdetta revocato bloccato bloccata"
    " reclamo",
}
_JOINING = {
    "en": "subscribe subscribed opt-in opted-in double-opt-in signed-up confirmed",
    "nl": "aanmelden aangemeld inschrijven ingeschreven abonneren geabonneerd"
    " bevestigd",
    "de": "anmelden angemeldet abonnieren abonniert eintragen eingetragen bestätigt",
    "fr": "abonner abonné abonnée abonné(e) s'abonner inscrire inscrit inscrite"
    " inscrit(e) s'inscrire confirmé confirmée",
    "es": "suscribir suscribirse suscrito suscrita suscripto alta dado-de-alta"
    " dada-de-alta inscrito inscrita confirmado confirmada",
    "it": "iscrivere iscriversi iscritto iscritta iscritto/a abbonato abbonata"
    " confermato confermata",
}
# What is no wish of the person, so that it neither subscribes nor unsubscribes.
_FAILING = {
    "en": "cleaned bounced bounce hard-bounce hard-bounced soft-bounce soft-bounced"
    " invalid undeliverable",
    "nl": "opgeschoond gebounced onbestelbaar ongeldig",
    "de": "bereinigt gebounct unzustellbar ungültig",
    "fr": "nettoyé nettoyée rebond rejeté rejetée invalide",
    "es": "limpiado limpiada depurado rebotado rebotada inválido inválida no-válido",
    "it": "pulito pulita ripulito rimbalzato rimbalzata non-valido",
}
_WAITING = {
    "en": "pending unconfirmed not-confirmed unverified",
    "nl": "onbevestigd niet-bevestigd wachtend in-afwachting in-behandeling",
    "de": "ausstehend unbestätigt nicht-bestätigt wartend",
    "fr": "en-attente non-confirmé non-confirmée",
    "es": "pendiente sin-confirmar no-confirmado no-confirmada",
    "it": "in-attesa in-sospeso non-confermato non-confermata",
}
NO_ADDRESS = _("{text} is about the address: import it as a list for the quarantine")
NO_ANSWER = _("{text}: nobody subscribes before they have confirmed it")
NO_LEAVING = _("{text}: who does not leave does not subscribe by it")
UNKNOWN = _("{text} is neither subscribe nor unsubscribe")


def plain(word: str) -> str:
    """Without letter case, accents, spaces and hyphens."""
    apart = unicodedata.normalize("NFKD", word.replace("’", "'"))  # noqa: RUF001
    return folded("".join(c for c in apart if not unicodedata.combining(c)))


def _words(table: dict[str, str]) -> frozenset[str]:
    return frozenset(plain(word) for words in table.values() for word in words.split())


# "Unsubscribed: 1" is no wish to subscribe.
_LEAVING_HEADING = re.compile(
    r"unsub|opt(ed)?out|(af|ab)(ge)?meld|uit(ge)?schr|op(ge)?zeg|abbestell|austrag"
    r"|des(abon|inscri|uscri)|disiscri|disdett|baja|geen|niet|kein|nicht|donot|dont"
    r"|nolonger|^no(e?mail|news|sms|contact|marketing)|^not(?!i)|block|blok|black|den(y|ied)|suppress|revoke|withdr|stop|left|removed"
    r"|leave|leaving|resil|cancel|widerruf|gesperrt|gekundigt"
)
# What is about consent under any heading; others ("cancelled") are of orders, too.
_STEMS = re.compile(r"sub|suscri|abbonat|abonn|iscri|inscri|(ab|an)(ge)?meld|bestell")
TELLING = frozenset(
    word for word in _words(_LEAVING) | _words(_JOINING) if _STEMS.search(word)
)
_CROSS = {"x"}  # beside what, nobody knows
ACTIONS: dict[str, str] = {
    **dict.fromkeys(
        _words(_JOINING) | {"in"} | set(map(plain, TRUE - _CROSS)), SUBSCRIBE
    ),
    **dict.fromkeys(
        _words(_LEAVING) | {"out"} | set(map(plain, FALSE - {"null"})), UNSUBSCRIBE
    ),
}
_YES = frozenset(map(plain, TRUE))
_YES_OR_NO = _YES | frozenset(map(plain, FALSE)) | {""}
_NEITHER = {
    **dict.fromkeys(_words(_FAILING), NO_ADDRESS),
    **dict.fromkeys(_words(_WAITING), NO_ANSWER),
}


def is_about_leaving(heading: str) -> bool:
    """Whether a yes in a column with this heading says that somebody leaves."""
    return bool(_LEAVING_HEADING.search(plain(heading)))


@functools.lru_cache(maxsize=256)
def action_of(text: str, *, leaving: bool = False) -> str:
    """What the word asks for, or empty; `why_none` says why.

    `leaving`: it stands under a heading such as "unsubscribed", where a yes leaves, and
    a no does not ask for anything.
    """
    word = plain(text)
    if leaving and word in _YES_OR_NO:
        return UNSUBSCRIBE if word in _YES else ""
    return ACTIONS.get(word, "")


def why_none(text: str, *, leaving: bool = False) -> str:
    """Why the word asks for nothing: a text to translate, with a place for `text`."""
    if leaving and plain(text) in _YES_OR_NO:
        return NO_LEAVING
    return _NEITHER.get(plain(text), UNKNOWN)
