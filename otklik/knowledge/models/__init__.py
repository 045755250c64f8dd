"""Tables and pages of the Knowledge Base; each step of its life has a file."""

from otklik.knowledge.models.finding import Audience, Baseline, SearchSession, Vote
from otklik.knowledge.models.kinds import Faq, ReplyTemplate
from otklik.knowledge.models.material import Mark, Material, MaterialUse
from otklik.knowledge.models.proposal import Evidence, Proposal
from otklik.knowledge.models.structure import Function, KnowledgeHome, KnowledgePage, Section, UnitEditors

__all__ = [
    "Audience",
    "Baseline",
    "Evidence",
    "Faq",
    "Function",
    "KnowledgeHome",
    "KnowledgePage",
    "Mark",
    "Material",
    "MaterialUse",
    "Proposal",
    "ReplyTemplate",
    "SearchSession",
    "Section",
    "UnitEditors",
    "Vote",
]
