"""Which column of a CSV file fills which field of a person: guessed from English and French headings."""

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from server.errors import Refused
from server.people.models import CustomField
from server.people.terms import normalise

FIELDS = {
    "email": lazy_gettext("Email"),
    "emails": lazy_gettext("Other addresses"),
    "name": lazy_gettext("Name"),
    "first_name": lazy_gettext("First name"),
    "last_name": lazy_gettext("Last name"),
    "company": lazy_gettext("Company"),
    "job_title": lazy_gettext("Job title"),
    "phone": lazy_gettext("Phone"),
    "linkedin_url": lazy_gettext("LinkedIn"),
    "notes": lazy_gettext("Notes"),
    "owner": lazy_gettext("Owner (email address or name)"),
    "agreed": lazy_gettext("Agreed to be noticed when reading (yes or no)"),
    "unsubscribed": lazy_gettext("Wants no mail (yes or no)"),
}
HEADINGS = {
    "email": ("email", "e mail", "mail", "email address", "e mail address", "address", "adresse", "courriel",
              "adresse e mail", "adresse email", "adresse mail", "adresse de courriel", "main address"),
    "emails": ("other addresses", "autres adresses", "other emails", "secondary email", "email 2"),
    "name": ("name", "full name", "nom complet", "contact", "contact name", "person", "personne"),
    "first_name": ("first name", "firstname", "given name", "prenom"),
    "last_name": ("last name", "lastname", "surname", "family name", "nom de famille", "nom"),
    "company": ("company", "company name", "organization", "organisation", "account", "entreprise", "societe",
                "raison sociale", "compte"),
    "job_title": ("job title", "title", "position", "role", "fonction", "poste", "titre", "intitule du poste"),
    "phone": ("phone", "phone number", "telephone", "tel", "mobile", "mobile phone", "portable", "cell",
              "numero de telephone", "work phone"),
    "linkedin_url": ("linkedin", "linkedin url", "linkedin profile", "profil linkedin", "url linkedin"),
    "notes": ("notes", "note", "comments", "comment", "remarks", "commentaire", "commentaires", "remarques"),
    "owner": ("owner", "assigned to", "account owner", "lead owner", "proprietaire", "responsable", "attribue a"),
    "agreed": ("consent", "tracking consent", "opt in", "consentement", "accord"),
    "unsubscribed": ("unsubscribed", "opt out", "do not email", "do not contact", "desabonne", "desinscrit",
                     "ne pas contacter"),
}  # fmt: skip
REPEATABLE = ("", "emails")


def list_targets(fields: Sequence[CustomField]) -> list[tuple[str, str]]:
    """Return (value, words) of everything that a column may fill."""
    own = [(f"custom-{field.id}", field.name) for field in fields]
    return [("", _("leave out")), *((name, str(words)) for name, words in FIELDS.items()), *own]


def guess_columns(header: Sequence[str], fields: Sequence[CustomField]) -> list[str]:
    """Return for each heading which field it seems to mean, "" where none; a second one of a kind is left out."""
    meanings = {heading: name for name, headings in HEADINGS.items() for heading in headings}
    for field in fields:
        meanings.setdefault(_simplify(field.name), f"custom-{field.id}")
    guesses = [meanings.get(_simplify(heading), "") for heading in header]
    if "name" not in guesses and "first_name" not in guesses:
        guesses = ["name" if guess == "last_name" else guess for guess in guesses]  # French "nom" alone is the name
    columns: list[str] = []
    for guess in guesses:
        columns.append("" if guess in columns and guess not in REPEATABLE else guess)
    return columns


def read_columns(chosen: Sequence[str], width: int, fields: Sequence[CustomField]) -> list[str]:
    """Return the chosen fields, one a column; refuses a choice without an address, or with a field twice."""
    known = {value for value, _words in list_targets(fields)}
    if len(chosen) != width or not set(chosen) <= known:
        raise Refused(_("Choose a field of the list for each column."), field="columns")
    if "email" not in chosen:
        raise Refused(_("Say which column holds the email address: nobody is known without one."), field="columns")
    words = dict(list_targets(fields))
    for name in chosen:
        if name not in REPEATABLE and chosen.count(name) > 1:
            raise Refused(_("“%(field)s” is chosen for two columns.", field=words[name]), field="columns")
    return list(chosen)


def _simplify(heading: str) -> str:
    return " ".join("".join(letter if letter.isalnum() else " " for letter in normalise(heading)).split())
