"""Who opens the cases of the demo: customers, products and engineers, all invented.

Together they have every plan, the zones and weekends of six continents, and every way that a language can be served:
English, a local language, English or translation accepted, and neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer; its cases share plan, place and language."""

    name: str
    plan: str
    country: str
    language: str
    subdivision: str = ""
    timezone: str = ""
    accepts_english: bool = False
    accepts_translation: bool = False
    submitted_by: str = "admin"

    @property
    def is_served_in_english(self) -> bool:
        """SP-LANG-TR: who accepts English or translation counts as English."""
        return self.language.partition("-")[0] == "en" or self.accepts_english or self.accepts_translation

    def terms(self) -> dict[str, Any]:
        """The fields of `case.opened` that are the customer's; what is left out has its default."""
        optional = {
            "subdivision": self.subdivision,
            "timezone": self.timezone,
            "accepts_english": self.accepts_english,
            "accepts_translation": self.accepts_translation,
        }
        return {
            "plan": self.plan,
            "country": self.country,
            "language": self.language,
            "submitted_by": self.submitted_by,
            **{name: value for name, value in optional.items() if value},
            "customer": self.name,
        }


STANDARD, PROFESSIONAL_DIRECT, UNIFIED = "standard", "professional_direct", "unified"

CUSTOMERS: Final = (
    Customer(name="Harbour & Finch", plan=PROFESSIONAL_DIRECT, country="GB", language="en-GB", subdivision="SCT"),
    Customer(name="Cascade Outfitters", plan=UNIFIED, country="US", language="en-US", subdivision="WA"),
    Customer(name="Prairie Line Rail", plan=STANDARD, country="US", language="en-US", submitted_by="service_admin"),
    Customer(name="Maple Ridge Foods", plan=STANDARD, country="CA", language="fr-CA", accepts_english=True),
    Customer(name="Nordlicht Werke", plan=UNIFIED, country="DE", language="de", accepts_english=True),
    Customer(name="Alpenfracht", plan=STANDARD, country="AT", language="de"),
    Customer(name="Lumière Textiles", plan=PROFESSIONAL_DIRECT, country="FR", language="fr", accepts_translation=True),
    Customer(name="Olivar del Sur", plan=STANDARD, country="ES", language="es"),
    Customer(name="Officine Bellandi", plan=PROFESSIONAL_DIRECT, country="IT", language="it", submitted_by="owner"),
    Customer(name="Vistula Parcel", plan=STANDARD, country="PL", language="pl"),
    Customer(name="Fjordheim Seafood", plan=UNIFIED, country="NO", language="nb", accepts_translation=True),
    Customer(name="Quinta das Ondas", plan=STANDARD, country="BR", language="pt-BR", timezone="America/Fortaleza"),
    Customer(name="Andes Cold Chain", plan=PROFESSIONAL_DIRECT, country="CL", language="es", accepts_english=True),
    Customer(name="Hoshizora Trading", plan=UNIFIED, country="JP", language="ja"),
    Customer(name="Jade Terrace Logistics", plan=STANDARD, country="TW", language="zh-Hant"),
    Customer(name="Blue Lotus Clinics", plan=UNIFIED, country="SG", language="en-SG"),
    Customer(name="Sundarban Mills", plan=STANDARD, country="BD", language="bn", accepts_english=True),
    Customer(name="Desert Rose Energy", plan=UNIFIED, country="AE", language="ar", submitted_by="delegated_admin"),
    Customer(name="Savanna Telecom", plan=PROFESSIONAL_DIRECT, country="KE", language="en-KE"),
    Customer(name="Banksia Mutual", plan=PROFESSIONAL_DIRECT, country="AU", language="en-AU", subdivision="NSW"),
    Customer(name="Kererū Dairy", plan=STANDARD, country="NZ", language="en-NZ"),
)

# product: the queue that its cases go to
PRODUCTS: Final = {
    "Ledger": "finance",
    "Payroll": "finance",
    "Warehouse": "supply-chain",
    "Procurement": "supply-chain",
    "Point of Sale": "commerce",
    "Web Shop": "commerce",
    "Field Service": "service",
    "Customer Portal": "service",
    "Sign-in": "identity",
}

ENGINEERS: Final = ("amara.o", "bjarne.k", "chiara.d", "devika.r", "emeka.n", "farida.h", "goran.p", "hana.m")
