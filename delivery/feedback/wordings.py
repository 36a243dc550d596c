"""The wordings and codes of failures, and what each says about the address.

Wordings first, from the most telling to the least: a server's text says more than its
code (many answer 5.1.1 for spam, or 5.7.1 for an unknown user). `pattern` is searched
in lower-case text with single spaces. `seen_at` names who writes so. Gaps in a pattern
have a limit, so that no text can make the search slow.

Only three reasons say that an address is dead, and are hard: user unknown, invalid
domain, and (never hard, it can come back) account disabled is soft. A block of the
sender's reputation, content, policy or relaying says nothing about the address at all.
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


WORDINGS: tuple[Wording, ...] = (
    # ---------------------------------------- the sender, not the recipient, is refused
    *_all(
        ErrorReason.REFUSED,
        IGNORED,
        (r"\bdmarc\b|\bdkim\b|\bspf\b|sender policy framework", "Gmail, Microsoft"),
        (r"authentication (?:requirement|check|fail)|unauthenticated (?:email|mail|"
         r"sender)|does not pass .{0,30}verif", "Gmail, Microsoft"),
        (r"\bptr\b|reverse (?:dns|mapping|hostname|lookup|ip)|cannot find your hostname|"
         r"your reverse|\brdns\b|unresolvable relay|no valid (?:host|mx) name",
         "Gmail, Postfix, Exim"),
        (r"black ?list|block ?list|deny ?list|\bd?n?s?rbl\b|\bdnsbl\b|spamhaus|spamcop|"
         r"sorbs|barracuda(?:central| reputation)|uceprotect|listed (?:at|in|by|on) ",
         "Postfix, Exim, Microsoft"),
        (r"reputation|\bban(?:ned)? (?:your |the )?(?:ip|host|sending|sender)|banned sending|"
         r"poor (?:sender|domain|ip)|(?:ip|address|host|server|domain) (?:\S{1,60} )?"
         r"(?:is|was|has been|are) (?:\w+ )?"
         r"(?:block|ban|reject|suspend|deny|denied)", "Microsoft, Cisco"),
        (r"(?:block|blocked|ban|banned|reject|rejected|refuse|refused) (?:using|by|due to|for) "
         r"(?:\S{1,80} )?(?:spam|abuse|policy|ip|list|reputation|security|content|virus)",
         "Postfix, Exim, Symantec"),
        (r"blocked (?:using|-|by )|block (?:your|mail) |(?:client|sender) (?:host|address|"
         r"domain|ip)\b.{0,80}(?:reject|block|denied|refus|not )", "Postfix"),
        (r"\bspam|\bunsolicited|\bube\b|\buce\b|junk ?mail|bulk ?mail|phish|"
         r"bayesian|high probability|looks like|suspicious|suspected", "most filters"),
        (r"\bvirus|malware|\btrojan|infected|harmful|potential(?:ly)? (?:security|"
         r"dangerous|executable)|security (?:issue|risk|reason|threat)|executable",
         "Gmail, Mimecast, Amavis"),
        (r"(?:user |many |of )complaints|volume of (?:mail|e-?mail)|unexpected volume|"
         r"unusual rate|rate limit|too (?:many|much) (?!hops)|throttl|exceeded the rate|"
         r"too fast|(?:hour|dai)ly (?:\w+ )?(?:relay |sending )?(?:quota|limit)|sending limit|"
         r"(?:sender|message|connection|e-?mail)s? (?:\w+ )?(?:rate|limit)|"
         r"max(?:imum|defers)?.{0,30}per hour|sender .{0,60}exceed", "Yahoo, GoDaddy, cPanel"),
        (r"polic(?:y|ies)|prohibit|violat|not comply|compliance|compliant|"
         r"transport rule|administrative(?:ly)? (?:prohibition|denied)|unacceptable|"
         r"organization", "Yahoo, Microsoft, AOL"),
        (r"relay(?:ing)?\b.{0,40}(?:denied|not|reject|prohib|deny|refus|access)|"
         r"(?:not|cannot|can't|no|denied|unable to|won't|n't|allowed to|configured to) "
         r"(?:\w+ ){0,2}relay|not (?:in|on) (?:\w+ ){0,2}rcpthosts|"
         r"that domain isn't in|(?:not|isn't) (?:a )?(?:gateway|locally hosted)|"
         r"do not (?:route|handle|accept) mail for|open relay|"
         r"relay access|insecure mail relay|unauthorized relay", "Postfix, sendmail, qmail"),
        (r"(?:sender|from|sending|envelope.from|mail from|return.path|originat\w+)\b.{0,60}"
         r"(?:reject|denied|refus|invalid|not (?:exist|found|valid|accept|allow)|unknown|"
         r"verif|unresolvable|does not|doesn't|cannot|could not|must|illegal|bad)",
         "Postfix, sendmail, Exim"),
        (r"(?:reject|denied|refus|invalid|bad|illegal|unknown|verify|verification of|"
         r"no such) (?:\w+ ){0,2}(?:sender|from address|envelope from|mail from)",
         "Exim, Courier"),
        (r"after mail from|in reply to mail from|(?:like|to) our mail from|"
         r"respon\w+ to mail from", "Exim, Postfix, DragonFly"),
        (r"\bhelo\b|\behlo\b", "Postfix"),
        (r"(?:message|mail|content|e-?mail|body|header|attachment|subject|line)s?\b.{0,40}"
         r"(?:reject|refus|block|filter|not (?:be )?(?:accept|allow|permit)|denied|"
         r"not rfc|forbidden|banned|malform|bare)", "Gmail, Exim, Mimecast"),
        (r"permission|not (?:authori[sz]ed|allowed|permitted)|"
         r"unauthori[sz]ed|access (?:is )?denied|denied access|no access|restricted|"
         r"only (?:members|accepts)|moderat|not open to|confirmation|challenge|"
         r"members? only|must be (?:a )?(?:member|subscri|authent)|"
         r"(?:not accept|refus|reject).{0,40}from (?:you|this|sender|outside|external)",
         "Google Groups, Exchange"),
        (r"authenticat|starttls|\btls\b|encrypt|certificate|\bssl\b", "Postfix, Exim"),
        (r"(?:connection|service|request|transaction|delivery|host|client)s? (?:was |is |has "
         r"been |from \S{1,80} )?(?:refused by|denied|rejected|blocked)|"
         r"refused to talk|not accepting (?:connections|mail from)|closing (?:transmission|"
         r"connection)|your (?:access|host|server|ip|email|mail|network|message)\b.{0,60}"
         r"(?:reject|block|denied|refus|not allow)|service refused", "Postfix, Microsoft"),
    ),
    # ------------------------------------------------------------- the message itself
    *_all(
        ErrorReason.TEXT_TOO_LONG,
        IGNORED,
        (r"(?:message|mail|size|header|line|attachment|e-?mail)s?\b.{0,60}"
         r"(?:too (?:big|large|long)|exceed|over(?:size| the)|larger)|"
         r"(?:exceed|over)\w*.{0,40}(?:(?:message|line) (?:size|limit|length)|maximum|"
         r"size limit|fixed)|line limit|size limit|too (?:big|large) (?:message|mail)|"
         r"(?:maximum|max) (?:message|mail|size|line)", "Exchange, sendmail, Exim"),
    ),
    *_all(
        ErrorReason.ENCODING,
        IGNORED,
        (r"smtputf8|8bitmime|eight.?bit|character set|charset|conversion (?:failed|"
         r"required|not)|mime (?:error|format|part)|(?:multiple|duplicate|missing) .{0,30}header",
         "Postfix, Gmail"),
    ),
    # ------------------------------------------------------------------- full mailbox
    *_all(
        ErrorReason.MAILBOX_FULL,
        SOFT,
        (r"quota|(?:mail ?box|inbox|account|user|folder|storage|maildir|disk|file ?system)\b"
         r".{0,40}\b(?:is |are )?(?:full|over ?flow|out of|exceed)|"
         r"over (?:\w+ )?(?:storage|limit|disk)|exceed\w* (?:\w+ ){0,3}(?:storage|mailbox|"
         r"space|allocation|capacity)|out of (?:storage|disk|space)|"
         r"(?:not enough|insufficient|no|low on|lack of) (?:\w+ ){0,2}(?:storage|space)|"
         r"mail ?box.{0,20}(?:size|limit)|full mailbox|storage (?:full|limit|space)",
         "Gmail, Exchange, qmail, Dovecot"),
    ),
    # --------------------------------------------------------- the account is switched off
    *_all(
        ErrorReason.ACCOUNT_DISABLED,
        SOFT,
        (r"(?:account|mail ?box|user|recipient|address|e-?mail|domain|alias|entry)s?\b"
         r".{0,60}\b(?:disabled?|suspend(?:ed)?|inactive|frozen|lock(?:ed)?|block(?:ed)?|"
         r"deactivated|expired|discontinued|closed|bloque|on hold|dormant|"
         r"not active|unpaid|no longer active|blocked)\b", "Yahoo, Gmail, La Poste"),
        (r"\b(?:disabled|suspended|inactive|frozen|locked|deactivated|expired|blocked|"
         r"discontinued|closed) (?:\w+ ){0,2}(?:account|mail ?box|user|recipient)",
         "Yahoo, qmail"),
    ),
    # ------------------------------------------------------------ the domain takes no mail
    *_all(
        ErrorReason.INVALID_DOMAIN,
        HARD,
        (r"(?:domain|host)(?:name)? (?:\S{1,80} )?(?:is )?(?:unknown|not found|invalid|"
         r"does ?n.t exist|does not exist|not exist|doesn't receive|non.?exist)|"
         r"no such (?:domain|host)|(?:unknown|invalid|bad|illegal) (?:\w+ )?"
         r"(?:domain|host)|nxdomain|non.?exist\w* (?:domain|host)|"
         r"couldn't find any host|(?:not|no|isn't) (?:a )?(?:valid|existing) domain|"
         r"null mx|nullmx|no smtp service|(?:domain|host)\S* (?:\S{1,80} )?(?:does|do) "
         r"(?:not|n't) (?:accept|receive) (?:any )?(?:mail|e-?mail)|"
         r"no (?:valid )?mx\b|unrouteable|unroutable|"
         r"(?:name|service|address) not known|name service error|"
         r"can(?:'t|not) resolve|cannot find (?:\w+ )?(?:domain|host|mail server)|"
         r"dns (?:error|lookup)|mx .{0,30}(?:not found|invalid|could not)|"
         r"host/domain does not accept|no route(?:s)? found to domain|"
         r"has no (?:mx|mail)|all relevant mx records point to non-existent",
         "Gmail, Postfix, sendmail, Exim, qmail"),
    ),
    # ------------------------------------------------------------------- unknown users
    *_all(
        ErrorReason.USER_UNKNOWN,
        HARD,
        (r"(?:user|account|mail ?box|recipient|address|addressee|alias|userid|person|"
         r"member|name|destinat(?:ion|aire)|login|contact|inbox|subscriber|customer|"
         r"employee|utente|benutzer|e-?mail|gebruiker|usuario)s?\b.{0,80}\b(?:unknown|not "
         r"(?:\w+ ){0,2}(?:exist|found|known|recogni[sz]ed|valid|listed|local|available|"
         r"defined|in |on |have|a )|"
         r"(?:do|does|did) ?n.t (?:\w+ )?(?:exist|have|match)|doesnt|"
         r"non.?exist\w*|invalid|undeliverable|unavailable|incorrect|"
         r"isn't|is not|are not|no longer|unrecogni[sz]ed|undefined|inconnue?|invalide|"
         r"removed|deleted|has (?:left|moved|changed)|unbekannt|onbekend|desconocido|"
         r"sconosciuto|misspelled|wrong|ambiguous|not)", "all servers"),
        (r"\b(?:unknown|no such|invalid|nonexist\w*|non-exist\w*|bad|illegal|no|"
         r"unrecogni[sz]ed|undeliverable|undefined|unresolvable|not (?:a|our)( \w+)?|"
         r"not an?( \w+)?|incorrect|inactive|unbekannter|wrong) "
         r"(?:\w+ ){0,3}(?:user|account|mail ?box|recipient|address|"
         r"alias|userid|person|name|local part|addressee|destination|customer|"
         r"rcpt|e-?mail|login|member|subscriber|empf\w+)", "all servers"),
        (r"(?:check|verify) (?:\w+ ){0,4}(?:address|recipient)|"
         r"not (?:listed|found) in|no such .{0,40}here|(?:not|no) (?:\w+ )?mailbox here|"
         r"no one by that name|nobody (?:here )?by|who are you|no longer (?:on|at|with|"
         r"valid|exist|in use|available|here)|has moved|no forwarding|"
         r"user ?unknown|recipnotfound|recipientnotfound|unknown ?recipient|"
         r"recipient (?:address )?rejected|invalid recipient|"
         r"rejected (?:\w+ )?(?:address|recipient)|not like recipient|"
         r"did not match any|delivery to (?:this|that) (?:address|user)|"
         r"not our (?:customer|user)|could not find (?:\w+ )?(?:user|recipient)",
         "qmail, Exchange, Postfix"),
    ),
    # ----------------------------------------------------------------- not reached so far
    *_all(
        ErrorReason.UNREACHABLE,
        SOFT,
        (r"time[d-]? ?out|expired|not respond|too long|"
         r"(?:message|mail|delivery) .{0,40}(?:delay|queue)|retry|retries|"
         r"giving up|given up|unable to (?:connect|contact)|could ?n.t (?:connect|"
         r"contact|establish)|could not (?:connect|contact|be reached)|"
         r"did not accept our requests to connect|connection (?:refused|reset|"
         r"dropped|lost|failed|was closed|closed|died|timed)|lost connection|"
         r"connect to|no route to host|network (?:is )?(?:error|unreachable|problem)|"
         r"unreachable|host (?:\S{1,80} )?(?:is )?(?:down|not responding|unreachable)|"
         r"\d+ attempts|undelivered for|within \d+ (?:day|hour)|maximum.time|"
         r"try again|deferred", "Postfix, Exim, Exchange"),
        (r"too many hops|mail loop|loops? back|loop detected|routing loop|"
         r"hop ?count|loop count", "Postfix, Exchange, sendmail"),
        (r"temporar|lock failure|i/o error|cannot (?:open|append|create|write)|"
         r"unable to (?:open|create|write|lock)|can't (?:create|open)|"
         r"internal (?:server )?error|system (?:error|failure|problem)|"
         r"local (?:error|problem|configuration)|configuration (?:error|problem)|"
         r"service (?:currently )?(?:un|not )available|"
         r"resources|out of memory|command (?:failed|died|output)|procmail|"
         r"pipe to|exec|fork|read-only|database|server (?:error|busy|unavailable)",
         "Postfix, Courier, procmail"),
    ),
)

# Japanese mobile carriers answer "user unknown" for a recipient whose own filter
# refuses the mail: they say so after the message, or with the status 5.2.0.
FILTERING_HOSTS = ("docomo.ne.jp", "ezweb.ne.jp", "au.com", "softbank.ne.jp")

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
    "5.1.351": (ErrorReason.USER_UNKNOWN, HARD, "Microsoft: unknown at the next server"),
    "5.4.1": (ErrorReason.USER_UNKNOWN, HARD, "Microsoft: recipient access denied"),
    "5.4.310": (ErrorReason.INVALID_DOMAIN, HARD, "Microsoft: domain does not exist"),
}
