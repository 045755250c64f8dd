"""Tables and pages of the Knowledge Base; each step of its life has a file."""

from otklik.knowledge.models.kinds import Faq, ReplyTemplate
from otklik.knowledge.models.material import Mark, Material, MaterialUse
from otklik.knowledge.models.review import EmptySection, QuarterOpening, ReviewDuty, ReviewItem, ReviewLook
from otklik.knowledge.models.structure import Function, KnowledgeHome, KnowledgePage, Section, UnitEditors

__all__ = [
    "EmptySection",
    "Faq",
    "Function",
    "KnowledgeHome",
    "KnowledgePage",
    "Mark",
    "Material",
    "MaterialUse",
    "QuarterOpening",
    "ReplyTemplate",
    "ReviewDuty",
    "ReviewItem",
    "ReviewLook",
    "Section",
    "UnitEditors",
]
