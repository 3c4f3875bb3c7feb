"""What would stop a new stack halfway, found before anything is created. Pure: facts in, findings out.

`missyou_operator.aws.account` reads the facts.
"""

from missyou_operator.preflight.finding import Finding
from missyou_operator.preflight.subject import Subject
from missyou_operator.preflight.verdict import Preflight, check, wanted

__all__ = ["Finding", "Preflight", "Subject", "check", "wanted"]
