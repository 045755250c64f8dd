"""Staff and applicants, kept apart on purpose: reading an applicant goes through `people.access`."""

from otklik.people.models.applicants import Applicant, ApplicantMerge, Contact
from otklik.people.models.citizens import Citizen, CitizenSession
from otklik.people.models.signin import SignInAttempt
from otklik.people.models.staff import (
    Department,
    Employee,
    Role,
    RoleAssignment,
    RolePower,
    Substitution,
    Transfer,
    Unit,
)
from otklik.people.models.tokens import AccessToken

__all__ = [
    "AccessToken",
    "Applicant",
    "ApplicantMerge",
    "Citizen",
    "CitizenSession",
    "Contact",
    "Department",
    "Employee",
    "Role",
    "RoleAssignment",
    "RolePower",
    "SignInAttempt",
    "Substitution",
    "Transfer",
    "Unit",
]
