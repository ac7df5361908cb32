"""`llm-operator explain`: a plan in words, for people. Pure. Tests: tests/unit/render/test_explain.py (whole texts)."""

from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.plan.plan import Plan
from llm_operator.plan.preset_spec import with_presets
from llm_operator.render.explain.application import application_section
from llm_operator.render.explain.layout import Section
from llm_operator.render.explain.model import model_sections
from llm_operator.render.explain.notes import notes
from llm_operator.render.explain.whole import whole_section
from llm_operator.render.text import fill


def explain(spec: LLMDeploymentSpec, plan: Plan, week: Plan) -> str:
    """`spec`: as the user wrote it; `plan`: of this moment; `week`: of the widest bounds of the week (schedules.widest).
    Lines of at most 100 columns, but where a name is longer."""
    sections: list[Section] = [whole_section(spec, plan, week)]
    applied = with_presets(spec)
    for i, model in enumerate(applied.models):
        sections += model_sections(spec.models[i], model, plan, plan.models[i], week.models[i])
    for application, planned, most in zip(applied.applications, plan.applications, week.applications, strict=True):
        sections.append(application_section(application, plan, planned, most))
    sections.append(notes(applied))
    return fill("explain.txt.j2", title=f"LLMDeployment {plan.namespace}/{plan.name}", sections=sections)
