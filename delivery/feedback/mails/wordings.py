"""The wordings and codes of failures, and what each says about the address.

Wordings first, from the most telling to the least: a server's text says more than its
code (many answer 5.1.1 for spam, or 5.7.1 for an unknown user). `pattern` is searched
in lower-case text with single spaces, addresses and links left out. `seen_at` names who writes so. Gaps in a pattern
have a limit, so that no text can make the search slow.

Only a dead address is hard: user unknown, invalid domain, an account that ended. A
disabled account can come back, and is soft. A block of the sender's reputation,
content, policy or relaying says nothing about the address at all, and is ignored.
"""

from dataclasses import dataclass

from delivery.models.quarantine import ErrorReason, ErrorType

HARD, SOFT, IGNORED = ErrorType.HARD, ErrorType.SOFT, ErrorType.IGNORED


@dataclass(frozen=True)
class Wording:
    """A wording of a server, and what it means (Q2, Q3)."""

    pattern: str
    reason: ErrorReason
    type: ErrorType
    seen_at: str


def _all(
    reason: ErrorReason, type: ErrorType, *wordings: tuple[str, str]
) -> list[Wording]:
    return [Wording(pattern, reason, type, seen_at) for pattern, seen_at in wordings]


_WHO = (
    r"\b(?:user|account|mail ?box|recipient|address|addressee|alias|userid|username|"
    r"person|destinat(?:ion|aire)|login|inbox|subscriber|customer|employee|member|"
    r"forward-path|rcpt|utente|benutzer|empf\w{1,10}|gebruiker|ontvanger|usuario|"
    r"adresse?|compte|e-?mail address|mail drop|local part)(?:s|es|\(s\)|\(es\))?\b"
)
_BLOCKS = r"(?:reject|block|deny|denied|refus|not accept|ban(?:s|ned)?\b)"
_SWITCHED_OFF = (
    r"(?:disabled?|suspended|inactive|frozen|locked|deactivated|expired|discontinued|"
    r"closed|on hold|dormant|blocked|bloque|not active|terminated|over limit)\b"
)

WORDINGS: tuple[Wording, ...] = (
    # ------------------------------------ answers to the sender, before any recipient
    *_all(
        ErrorReason.REFUSED,
        IGNORED,
        (
            r"my name was rejected|\bip for sending|after mail from|in reply to mail from|our mail from|>>> mail from",
            "Exim, Postfix, DragonFly",
        ),
        (
            rf"\b(?:sender|envelope.from|mail from|return.path|from:? (?:address|header|"
            rf"domain)|originator|your domain|sending domain)\b.{{0,60}}(?:{_BLOCKS}|"
            r"invalid|not (?:exist|found|valid|allow|permit|resolve)|unknown|"
            r"verif|unresolvable|does not|doesn't|cannot|could not|must|illegal|\bbad\b)",
            "Postfix, sendmail, Exim",
        ),
        (
            r"(?:reject\w*|denied|invalid|bad|illegal|unknown|verify|verification of|"
            r"no such) (?:\w+ ){0,2}(?:sender|from address|envelope from|mail from)",
            "Exim, Courier",
        ),
        # --------------------------------------------------------- too much at once
        (
            r"(?:user |many |of )complaints|volume of (?:mail|e-?mail)|unexpected volume|"
            r"unusual rate|rate.?limit|too many (?!hops|rec\w+ headers|failed)|too fast|"
            r"throttl|gr[ea]ylist|exceeded the rate|"
            r"(?:hour|dai)ly (?:\w+ )?(?:relay |sending |message )?(?:quota|limit)|"
            r"sending (?:limit|quota|rate)|(?:sender|message|connection|mail)s? rate|"
            r"messages? per (?:hour|day|minute|second)|this hour|"
            r"receiving (?:mail|e-?mail) (?:too quickly|at a rate)",
            "Yahoo, GoDaddy, cPanel",
        ),
    ),
    *_all(
        ErrorReason.ADDRESS_NOT_DEFINED,
        IGNORED,
        (r"malformed address|may not follow", "Exim, for a mail written wrongly"),
    ),
    # ------------------------------------------------------------------- full mailbox
    *_all(
        ErrorReason.MAILBOX_FULL,
        SOFT,
        (
            r"over ?quota|quota|mail ?box (?:\w+ ){0,3}(?:is )?(?:full|exceed)|full mailbox|"
            r"(?:inbox|account|user|folder|storage|maildir|disk|file ?system|box)\b"
            r".{0,30}\b(?:full|over ?flow|out of (?:space|storage|disk)|not enough)\b|"
            r"exceed\w* (?:\w+ ){0,3}(?:storage|mailbox|space|allocation|capacity)|"
            r"out of (?:storage|disk|space)|over (?:the )?(?:\w+ )?(?:limit of )?(?:storage|disk)\b|"
            r"(?:not enough|insufficient|no|low on|lack of) (?:\w+ ){0,2}(?:storage|space)|"
            r"storage (?:full|limit|space)|mail ?box (?:size )?limit|no space left",
            "Gmail, Exchange, qmail, Dovecot",
        ),
    ),
    # ---------------------------------------- a program of the recipient's system fails
    *_all(
        ErrorReason.UNREACHABLE,
        SOFT,
        (r"procmail:|maildrop:|couldn't create|command died|exec failed", "Postfix"),
    ),
    # ----------------------------------------------- a filter that plays the unknown user
    *_all(
        ErrorReason.REFUSED,
        SOFT,
        (r"\b550:? : user unknown", "KDDI, where the recipient's own filter refuses"),
        (r"^\W{0,3}550 unknown user @", "NTT Docomo, for a filter too"),
    ),
    # --------------------------------------------------------- the account is switched off
    *_all(
        ErrorReason.ACCOUNT_DISABLED,
        HARD,
        (
            rf"{_WHO}(?: \w+){{0,4}} (?:discontinued|terminated|cancell?ed|deleted)\b",
            "Yahoo, for an account that ended",
        ),
    ),
    *_all(
        ErrorReason.ACCOUNT_DISABLED,
        SOFT,
        (
            rf"{_WHO}(?: \w+){{0,4}} (?:is|was|has been|been|temporarily|currently|are|est) "
            rf"(?:\w+ ){{0,2}}{_SWITCHED_OFF}|"
            rf"\b(?:user|account|mail ?box|recipient|e-?mail address|domain) {_SWITCHED_OFF}|"
            r"\b(?:disabled|suspended|inactive|frozen|locked|deactivated|expired|"
            r"discontinued|closed) (?:\w+ ){0,2}(?:account|mail ?box|user|recipient)",
            "Yahoo, Gmail, La Poste, qmail",
        ),
    ),
    # ------------------------------------------------------ unknown users, said plainly
    *_all(
        ErrorReason.USER_UNKNOWN,
        HARD,
        (
            r"\b(?:user|recipient|mailbox|address|addressee|account|alias) ?(?:is )?unknown\b|"
            r"\bunknown (?:local )?(?:user|recipient|mailbox|account|address|userid|"
            r"local.?part|to address|rcpt)|"
            r"\bno such (?:\w+ ){0,2}(?:user|recipient|mail ?box|account|address|person|alias|"
            r"local|mail drop)|"
            r"\b(?:user|recipient|mail ?box|account|address)(?: \S{1,60})? "
            r"(?:was )?not (?:found|known|exist\w*|recogni[sz]ed)|"
            rf"{_WHO}.{{0,60}}(?:does|do|did) ?(?:not|n't) (?:\w+ )?exist|"
            r"no (?:\w+ )?mailbox (?:\w+ )?(?:here|by|found|with)|"
            r"recipient ?not ?found|\binvalid (?:\w+ ){0,3}(?:recipient|mailbox|"
            r"address|user|account|userid)|not a valid (?:\w+ )?(?:user|mailbox|recipient|address)|"
            r"no one by that name|nobody by that name|"
            r"destinataire\w* (?:\w+ )?(?:invalide|inconnu)|utilisateur inconnu|"
            r"recipient address rejected: access denied",
            "all servers",
        ),
    ),
    # ------------------------------------------------------------ the domain takes no mail
    *_all(
        ErrorReason.INVALID_DOMAIN,
        HARD,
        (
            r"\b(?:domain|host)(?:name|/domain| name)?(?: \S{1,80})? (?:is )?(?:unknown|not "
            r"found|invalid|does ?n.t exist|does not exist|not exist|non.?exist\w*)|"
            r"\bno such (?:domain|host)|\b(?:unknown|invalid|bad|illegal) (?:\w+ )?"
            r"(?:domain|host)\b|nxdomain|non.?exist\w* (?:domain|host)|"
            r"couldn't find any host (?:named|by)|(?:not|no|isn't) (?:a )?(?:valid|existing) domain|"
            r"null ?mx|(?:no|not) smtp service|(?:domain|host)\S*(?: \S{1,80})? (?:does|do)"
            r"(?: not|n't) (?:accept|receive) (?:any )?(?:mail|e-?mail)|"
            r"unrout(?:e)?able|domain is not reachable|"
            r"\b(?:521|556) |not accept(?:ing)? network messages|no mx (?:found|record)|name or service not known|name service error|"
            r"all relevant mx records point to non-existent|no (?:valid )?(?:mx|mail) (?:record|"
            r"host|exchanger)s? |mx host .{0,40}not (?:be )?(?:found|resolve)",
            "Gmail, Postfix, sendmail, Exim, qmail",
        ),
    ),
    # ------------------------------------------------------------- the message itself
    *_all(
        ErrorReason.TEXT_TOO_LONG,
        IGNORED,
        (
            r"\b(?:message|mail|size|header|line|attachment)s?(?: \w+){0,3} "
            r"(?:too (?:big|large)|exceed|over(?:size| the)|larger than)|"
            r"\b(?:message|line)s? (?:is |are )?too long|"
            r"exceed\w*.{0,40}(?:(?:message|line|mail|size) (?:size|limit|length)|maximum|"
            r"size limit|fixed)|line limit|size limit|too (?:big|large) (?:message|mail)",
            "Exchange, sendmail, Exim",
        ),
    ),
    # ---------------------------------------- the sender, not the recipient, is refused
    *_all(
        ErrorReason.REFUSED,
        IGNORED,
        (
            r"\bdmarc\b|\bdkim\b|\bspf\b|sender policy framework|authentication (?:requirement|"
            r"check|fail|information)|unauthenticated|not authenticated",
            "Gmail, Microsoft",
        ),
        (
            r"\bptr\b|reverse (?:dns|mapping|hostname|lookup|ip)|cannot find your (?:reverse|"
            r"hostname)|your reverse|\brdns\b",
            "Gmail, Postfix, Exim",
        ),
        (
            r"black ?list|block ?list|deny ?list|\bd?n?s?rbl\b|\bdnsbl\b|spamhaus|spamcop|"
            r"sorbs|barracuda|uceprotect|reputation|\bbanned\b|"
            r"blocked (?:using|-|by )",
            "Postfix, Exim, Microsoft",
        ),
        (
            r"\bspam|unsolicited|\bube\b|\buce\b|junk ?mail|bulk ?mail|phish|"
            r"high probability|looks like|suspicious|suspected",
            "most filters",
        ),
        (
            r"\bvirus|malware|\btrojan|infected|harmful|security (?:issue|risk|reason|"
            r"threat|polic)|executable|potential security",
            "Gmail, Mimecast, Amavis",
        ),
        (
            r"\bpolic(?:y|ies)\b|prohibit|violat|complian|transport rule|unacceptable",
            "Yahoo, Microsoft, AOL",
        ),
        (
            r"\brelay(?:ing)?\b|rcpthosts|\bgateway\b|locally hosted",
            "Postfix, sendmail, qmail",
        ),
        (
            rf"\b(?:client|your)(?: \S{{1,80}}){{0,3}} (?:host|address|domain|ip|server|network|"
            rf"access|e-?mail|mail|message)\b.{{0,60}}{_BLOCKS}|"
            rf"\b(?:message|mail|content|e-?mail|body|header|attachment)s?(?: \w+){{0,4}} "
            rf"{_BLOCKS}|helo\b|ehlo\b|header error|mail rejet|content (?:reject|refus)",
            "Gmail, Exim, Mimecast",
        ),
        (
            r"permission|not (?:authori[sz]ed|allowed|permitted)|may not post|"
            r"unauthori[sz]ed|access (?:is )?denied|denied access|no access|restricted|"
            r"only members|members? only|moderat|not open to|not (?:a )?members?\b|"
            r"challenge|must be (?:a )?(?:member|subscri|authent)",
            "Google Groups, Exchange",
        ),
        (r"starttls|\btls\b|encrypt|certificate|\bssl\b", "Postfix, Exim"),
        (
            r"(?:connection|service|request|transaction|host)s?(?: \S{1,80}){0,2} "
            r"(?:denied|rejected|blocked|refuse\b)|refused to talk|"
            r"not accepting (?:connections|mail from)|closing (?:transmission|connection)|"
            r"service refused|sequence of commands|syntax error|protocol error|"
            r"(?:bad|unrecogni[sz]ed|unimplemented) command|command (?:not|un)|^[\W\d]{{0,30}}rejected",
            "Postfix, Microsoft",
        ),
    ),
    *_all(
        ErrorReason.ENCODING,
        IGNORED,
        (
            r"smtputf8|8bitmime|eight.?bit|character set|charset|conversion (?:failed|"
            r"required|not)|mime (?:error|format|part)|(?:multiple|duplicate|missing) "
            r".{0,30}(?:header|address)",
            "Postfix, Gmail",
        ),
    ),
    # ----------------------------------------------------- unknown users, in other words
    *_all(
        ErrorReason.USER_UNKNOWN,
        HARD,
        (
            rf"{_WHO}.{{0,60}}\b(?:unknown|not (?:\w+ )?(?:exist|found|known|recogni[sz]ed|"
            r"valid|listed|defined|available|correct)|non.?exist\w*|invalide?|incorrect|"
            r"undeliverable|is not (?:a|an|our|in|on)\b|no longer|unrecogni[sz]ed|undefined|"
            r"inconnue?|removed|deleted|has (?:left|moved|changed)|unbekannt|onbekend|"
            r"desconocido|sconosciuto|misspelled|ambiguous|did not exactly match|"
            r"could not be found|not hosted|n'existe pas|no existe|non esiste|don't have|doesn't have|bestaat niet|existiert nicht)",
            "all servers",
        ),
        (
            r"\b(?:unknown|nonexist\w*|non-exist\w*|bad|illegal|unrecogni[sz]ed|"
            r"undeliverable|undefined|incorrect|not (?:a|an|our)|no|wrong|inactive) (?:\w+ ){0,2}"
            r"(?:user|account|mail ?box|recipient|address(?:es)?|alias|userid|person|"
            r"addressee|destination|customer|rcpt|e-?mail|login|member|subscriber)\b",
            "all servers",
        ),
        (
            r"(?:check|verify) (?:\w+ ){0,4}(?:address|recipient)|"
            r"(?:listed|found) in (?:\w+ ){0,4}(?:directory|address book)|no such .{0,40}here|"
            r"no longer (?:on|at|with|valid|exist|in use|available|here|work|employed)|"
            r"has moved|no forwarding|recipnotfound|who are you|"
            r"did not (?:exactly )?match any",
            "qmail, Exchange, Domino",
        ),
    ),
    # ----------------------------------------------------------------- not reached so far
    *_all(
        ErrorReason.UNREACHABLE,
        SOFT,
        (
            r"time[d-]? ?out|expired|not respond|too long|"
            r"(?:message|mail|delivery) .{0,40}(?:delay|queue)|retry|retries|"
            r"giving up|unable to (?:connect|contact)|could ?(?:n.t|not) (?:connect|"
            r"contact|establish|be reached)|did not accept our requests to connect|"
            r"connection (?:refused|reset|dropped|lost|failed|was closed|closed|died)|"
            r"lost connection|connect to|no route to host|network (?:is )?(?:error|"
            r"unreachable|problem)|unreachable|host (?:\S{1,80} )?(?:is )?(?:down|not "
            r"responding)|\d+ attempts|undelivered for|within \d+ (?:day|hour)|maximum.time|"
            r"try again|deferred|can(?:'t|not) resolve|dns (?:error|lookup)|"
            r"(?:lookup|resolv\w+) (?:failed|fail|error)",
            "Postfix, Exim, Exchange",
        ),
        (
            r"too many hops|mail loop|loops? back|loop(?:ing)? detected|routing loop|"
            r"hop ?count|loop count",
            "Postfix, Exchange, sendmail",
        ),
        (
            r"temporar|lock failure|i/o error|cannot (?:open|append|create|write)|"
            r"(?:unable to|couldn't|can't) (?:open|create|write|lock)|"
            r"internal (?:server )?error|system (?:error|failure|problem)|"
            r"local (?:error|problem|configuration)|configuration (?:error|problem)|"
            r"service (?:currently )?(?:un|not )available|mailer error|"
            r"resources|out of memory|command (?:failed|died|output)|procmail|"
            r"read-only|database|server (?:error|busy|unavailable|not available)",
            "Postfix, Courier, procmail",
        ),
    ),
)

# What is left when neither a plain wording nor the status code says more.
LAST_WORDINGS: tuple[Wording, ...] = (
    *_all(
        ErrorReason.USER_UNKNOWN,
        HARD,
        (
            r"(?:recipient|address) (?:was )?rejected[.;]?(?: \(|$)|rejected (?:\w+ )?(?:address|recipient)|"
            r"not like recipient|mail ?box (?:is )?(?:currently )?unavailable|"
            r"(?:address|user|recipient|userid)s? (?:\w+ )?(?:failed|error)|not our customer",
            "Hotmail, Postfix, qmail",
        ),
    ),
)

# RFC 3463 and the register of enhanced status codes: subject and detail. What isn't
# here falls back to its subject, with the detail 0.
STATUSES: dict[str, tuple[ErrorReason, ErrorType]] = {
    "1.0": (ErrorReason.NOT_DEFINED, SOFT),
    "1.1": (ErrorReason.USER_UNKNOWN, HARD),
    "1.2": (ErrorReason.INVALID_DOMAIN, HARD),
    "1.3": (ErrorReason.USER_UNKNOWN, HARD),
    "1.4": (ErrorReason.NOT_DEFINED, SOFT),
    "1.6": (ErrorReason.USER_UNKNOWN, HARD),
    "1.7": (ErrorReason.REFUSED, IGNORED),
    "1.8": (ErrorReason.REFUSED, IGNORED),
    "1.9": (ErrorReason.REFUSED, IGNORED),
    "1.10": (ErrorReason.INVALID_DOMAIN, HARD),
    "2.0": (ErrorReason.NOT_DEFINED, SOFT),
    "2.1": (ErrorReason.ACCOUNT_DISABLED, SOFT),
    "2.2": (ErrorReason.MAILBOX_FULL, SOFT),
    "2.3": (ErrorReason.TEXT_TOO_LONG, IGNORED),
    "2.4": (ErrorReason.REFUSED, IGNORED),
    "3.0": (ErrorReason.UNREACHABLE, SOFT),
    "3.1": (ErrorReason.MAILBOX_FULL, SOFT),
    "3.4": (ErrorReason.TEXT_TOO_LONG, IGNORED),
    "4.0": (ErrorReason.UNREACHABLE, SOFT),
    "4.4": (ErrorReason.INVALID_DOMAIN, HARD),
    "5.0": (ErrorReason.NOT_DEFINED, SOFT),
    "5.3": (ErrorReason.REFUSED, IGNORED),
    "6.0": (ErrorReason.ENCODING, IGNORED),
    "7.0": (ErrorReason.REFUSED, IGNORED),
    "7.13": (ErrorReason.ACCOUNT_DISABLED, SOFT),
}

# Providers' own details beside the register.
PROVIDER_STATUSES: dict[str, tuple[ErrorReason, ErrorType, str]] = {
    "5.1.10": (ErrorReason.USER_UNKNOWN, HARD, "Microsoft: RecipientNotFound"),
    "5.1.351": (
        ErrorReason.USER_UNKNOWN,
        HARD,
        "Microsoft: unknown at the next server",
    ),
    "5.4.1": (ErrorReason.USER_UNKNOWN, HARD, "Microsoft: recipient access denied"),
    "5.4.310": (ErrorReason.INVALID_DOMAIN, HARD, "Microsoft: domain does not exist"),
}
