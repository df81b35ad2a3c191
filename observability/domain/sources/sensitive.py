"""Columns that may name a person: how they are noticed, and what is left of their specs.

Names and shapes of values are looked at; what is said counts them and shows none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from observability.domain.specs.spec import FeatureSpec, Kind

SHARE: Final = 0.2  # of the values with such a shape
LOOKED_AT: Final = 2_000
LONGEST: Final = 200
ROUNDED: Final = 6  # the centre is a multiple of so many powers of two of its unit
HIDDEN: Final = "marked sensitive: no value of it is kept"
_NAMES: Final = {
    "a name": ("first_name", "last_name", "full_name", "surname", "firstname", "lastname", "username", "user_name"),
    "an e-mail address": ("email", "e_mail", "mail", "email_address"),
    "a telephone number": ("phone", "telephone", "mobile", "msisdn", "phone_number"),
    "an address": ("street", "street_address", "home_address", "address", "postal_address"),
    "an address of a network": ("ip", "ip_address", "ipaddr", "remote_addr", "client_ip"),
    "a place": ("lat", "lon", "lng", "latitude", "longitude", "zip", "zip_code", "zipcode", "postcode", "postal_code"),
    "a date of birth": ("dob", "birthday", "birth_date", "date_of_birth", "birthdate"),
    "a number of a person": ("ssn", "passport", "national_id", "tax_id", "iban", "card_number", "credit_card"),
    "a person's belief or health": ("religion", "ethnicity", "race", "diagnosis", "sexual_orientation"),
    "a device of a person": ("user_agent", "device_id", "imei", "advertising_id", "idfa", "gaid"),
}
_SHAPES: Final = {
    "e-mail addresses": re.compile(r"[^@\s]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,4}\Z"),
    "addresses of networks": re.compile(
        r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\Z|[0-9a-f]{0,4}(:[0-9a-f]{0,4}){4,7}\Z", re.I
    ),
    "telephone numbers": re.compile(r"\+\d[\d ()/.-]{7,20}\Z"),
    "account numbers": re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}\Z"),
    "card numbers": re.compile(r"[3-6]\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\Z"),
}


def suspicion(name: str, values: Sequence[str] = ()) -> str:
    """Why a column may name persons, as a sentence without any value; "" where nothing speaks for it."""
    looked = [value for value in values[:LOOKED_AT] if value]
    for words, shape in _SHAPES.items():
        count = sum(1 for value in looked if len(value) <= LONGEST and shape.match(value))
        if looked and count >= SHARE * len(looked):
            return f"{count:,} of {len(looked):,} values look like {words}."
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:LONGEST]).lower().replace("-", "_").replace(".", "_")
    words_of = set(plain.split("_"))
    for words, names in _NAMES.items():
        if any(_says(plain, words_of, known) for known in names):
            return f"Its name says {words}."
    return ""


def masked(feature: FeatureSpec) -> FeatureSpec:
    """The feature without any value of the sample: no vocabulary, table or exact values, a rounded centre."""
    if feature.kind in (Kind.NUMERIC, Kind.TIMESTAMP):
        step = feature.unit_exponent + ROUNDED
        centre = feature.centre
        if isinstance(centre, int):
            centre = (centre >> step) << step if step > 0 else centre
        else:
            centre = math.ldexp(round(math.ldexp(centre, -step)), step)
        return replace(feature, centre=centre, atoms=(), table_limit=0, reason=HIDDEN)
    vocabulary = feature.vocabulary if feature.kind is Kind.BOOLEAN else ()
    return replace(feature, atoms=(), vocabulary=vocabulary, table_limit=0, reason=HIDDEN)


def _says(name: str, words: set[str], known: str) -> bool:
    return name == known or name.endswith(f"_{known}") or ("_" not in known and known in words)
