"""Tables and pages of the Knowledge Base; each step of its life has a file."""

from otklik.knowledge.models.kinds import (
    KINDS,
    Contact,
    DecisionExample,
    Faq,
    JobDescription,
    LegalAct,
    ReceptionHours,
    ReceptionSchedule,
    ReplyTemplate,
    Script,
    Service,
)
from otklik.knowledge.models.material import Attachment, Mark, Material, MaterialUse, Part, PublicVersion, Reference
from otklik.knowledge.models.structure import (
    Function,
    KnowledgeHome,
    KnowledgePage,
    Section,
    SectionLink,
    UnitEditors,
)

__all__ = [
    "KINDS",
    "Attachment",
    "Contact",
    "DecisionExample",
    "Faq",
    "Function",
    "JobDescription",
    "KnowledgeHome",
    "KnowledgePage",
    "LegalAct",
    "Mark",
    "Material",
    "MaterialUse",
    "Part",
    "PublicVersion",
    "ReceptionHours",
    "ReceptionSchedule",
    "Reference",
    "ReplyTemplate",
    "Script",
    "Section",
    "SectionLink",
    "Service",
    "UnitEditors",
]
