"""What spreadsheets write into a cell whose formula came to nothing, by language.

Such a cell is not blank: what should stand there is not known. Sources: ECMA-376,
18.17.3; the functions ERROR.TYPE of Excel in each language; LibreOffice, "Error codes".
"""

import re
from unicodedata import normalize

from django.utils.translation import gettext_noop as _

from audiences.refusals import Sentence

# Not a spreadsheet's word but ours, for a formula whose result was never computed.
NO_RESULT = "#FORMULA!"
ERRORS = {
    "en": "#N/A #REF! #VALUE! #NAME? #DIV/0! #NULL! #NUM!",
    "en, newer": "#SPILL! #CALC! #FIELD! #BLOCKED! #UNKNOWN! #CONNECT! #GETTING_DATA"
    " #BUSY! #EXTERNAL! #PYTHON! #ERROR!",
    "nl": "#N/B #VERW! #WAARDE! #NAAM? #DEEL/0! #LEEG! #GETAL! #OVERLOOP!",
    "de": "#NV #BEZUG! #WERT! #NAME? #DIV/0! #ZAHL! #ÜBERLAUF!",
    "fr": "#N/A #VALEUR! #NOM? #NUL! #NOMBRE! #PROPAGATION!",
    "es": "#N/D #¡REF! #¡VALOR! #¿NOMBRE? #¡DIV/0! #¡NULO! #¡NUM! #¡DESBORDAMIENTO!",
    "it": "#N/D #RIF! #VALORE! #NOME? #NULLO! #ESPANSIONE!",
    "pt": "#N/D #VALOR! #NOME? #NULO! #NÚM! #DESPEJAR!",
    "others, without a mark at the end": "#YOK #HIÁNYZIK #NENÍ_K_DISPOZICI",
}
_WORDS = frozenset(word for words in ERRORS.values() for word in words.split())
# In all other languages an error is written in capitals between # and ! or ?, or as two
# halves of an abbreviation: #ARG! #DZIEL/0! #SAKNAS! #I/T. So are not #tag, #1, #ABC.
_SHAPE = re.compile(r"#[¡¿]?[^\W\d_][\w/]{1,30}[!?]|#[^\W\d_]{1,2}/[^\W\d_]{1,4}")
# LibreOffice has numbers; a column that is too narrow is written as it is shown.
_OTHERS = re.compile(r"err:5\d\d|#{3,}", re.IGNORECASE)


def is_error(text: str) -> bool:
    """Whether the cell says only that a spreadsheet did not know what to say."""
    if not text or text[0] not in "#Ee":
        return False
    if text.upper() in _WORDS or text == NO_RESULT or _OTHERS.fullmatch(text):
        return True
    return text.isupper() and bool(_SHAPE.fullmatch(normalize("NFC", text)))


def error_in(text: str) -> Sentence | None:
    """What is wrong with a cell that `is_error`; None for any other."""
    if not is_error(text):
        return None
    if text == NO_RESULT:
        return Sentence(
            _("the result of a formula is not in the file: save it in a spreadsheet")
        )
    return Sentence(_("{text} is an error of the spreadsheet"), {"text": text[:50]})
