"""Surveys: draft a questionnaire, try it on simulated people, size and allocate the sample, judge what comes back.

====================== =================================================================================
questionnaire          items, scale, wording: :class:`Questionnaire`, :func:`likert`
simulation             a trial with invented people: :func:`simulate_likert`
sampling               how many, and where: :func:`sample_size_proportion`, :func:`allocate`
nonresponse            who does not answer, and the harm: :func:`nonresponse_bias`
screening              which answers are in earnest: :func:`reverse_code`, :func:`screen`
weighting              the population's make-up: :func:`poststratify`, :func:`rake`
====================== =================================================================================

The order of the files is the order of the work. Everything that is random takes a ``seed``.
"""

from crmlab.survey.nonresponse import bias_simulation, nonresponse_bias
from crmlab.survey.questionnaire import Item, Questionnaire, likert
from crmlab.survey.sampling import allocate, margin_of_error, sample_size_mean, sample_size_proportion
from crmlab.survey.screening import reverse_code, screen
from crmlab.survey.simulation import Simulated, simulate_likert
from crmlab.survey.weighting import design_effect, poststratify, rake

__all__ = [
    "Item",
    "Questionnaire",
    "Simulated",
    "allocate",
    "bias_simulation",
    "design_effect",
    "likert",
    "margin_of_error",
    "nonresponse_bias",
    "poststratify",
    "rake",
    "reverse_code",
    "sample_size_mean",
    "sample_size_proportion",
    "screen",
    "simulate_likert",
]
