"""Tables and pages of the Knowledge Base; each step of its life has a file."""

from otklik.knowledge.models.agreement import Agreement
from otklik.knowledge.models.finding import Audience, Baseline, Prompted, ReadingDay, SearchSession, Vote
from otklik.knowledge.models.kinds import (
    KINDS,
    ContactData,
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
from otklik.knowledge.models.law import CheckTerm, LawChange, LawWeek
from otklik.knowledge.models.material import (
    Attachment,
    FileText,
    Mark,
    Material,
    MaterialUse,
    Part,
    PublicVersion,
    Reference,
)
from otklik.knowledge.models.proposal import Evidence, Proposal
from otklik.knowledge.models.quality import SearchCase, SearchRun, TestQuery, TestSet
from otklik.knowledge.models.review import EmptySection, QuarterOpening, ReviewDuty, ReviewItem, ReviewLook
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
    "Agreement",
    "Attachment",
    "Audience",
    "Baseline",
    "CheckTerm",
    "ContactData",
    "DecisionExample",
    "EmptySection",
    "Evidence",
    "Faq",
    "FileText",
    "Function",
    "JobDescription",
    "KnowledgeHome",
    "KnowledgePage",
    "LawChange",
    "LawWeek",
    "LegalAct",
    "Mark",
    "Material",
    "MaterialUse",
    "Part",
    "Prompted",
    "Proposal",
    "PublicVersion",
    "QuarterOpening",
    "ReadingDay",
    "ReceptionHours",
    "ReceptionSchedule",
    "Reference",
    "ReplyTemplate",
    "ReviewDuty",
    "ReviewItem",
    "ReviewLook",
    "Script",
    "SearchCase",
    "SearchRun",
    "SearchSession",
    "Section",
    "SectionLink",
    "Service",
    "TestQuery",
    "TestSet",
    "UnitEditors",
    "Vote",
]
