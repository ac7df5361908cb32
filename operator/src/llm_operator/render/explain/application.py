"""One custom application."""

from llm_operator.api.spec.application import Application, ApplicationDeployment
from llm_operator.plan.plan import ApplicationPlan, DeploymentPlan, Plan
from llm_operator.plan.totals import accelerators, kind_of
from llm_operator.render.explain.layout import Section, costs, many, span
from llm_operator.render.explain.needs import group_needs
from llm_operator.render.explain.replicas import replica_lines
from llm_operator.render.explain.whole import resources


def _actor(planned: DeploymentPlan) -> str:
    said = [f"{planned.cpu:g} CPU"]
    said += [f"{planned.gpu:g} GPU"] if planned.gpu else []
    said += [f"{planned.memory} bytes of memory"] if planned.memory else []
    return ", ".join(said)


def _deployment(asked: ApplicationDeployment, planned: DeploymentPlan) -> str:
    said = f"{planned.name}: {_actor(planned)} each; "
    if asked.scaling is None:
        return said + many(planned.scale.min_replicas, "replica")
    return f"{said}replicas: {'; '.join(replica_lines(asked.scaling))}"


def application_section(
    application: Application, plan: Plan, planned: ApplicationPlan, week: ApplicationPlan
) -> Section:
    """`week`: over all windows."""
    group = week.group
    kind, count = kind_of(group)
    each = f"{count} x {kind}, " if count else ""
    made = Section(f"Application {application.name}")
    made.add("Clients", plan.url_of_application(planned))
    made.add("Code", f"{application.import_path}, image {group.image}")
    deployments = zip(application.deployments, planned.deployments, strict=True)
    made.add("Deployments", *(_deployment(asked, found) for asked, found in deployments))
    pods = many(span((group.min_pods, group.max_pods)), "pod")
    made.add("Pods", f"group {group.name}: {pods} of {each}{resources(group.resources)}")
    made.add("Accelerators", costs(accelerators((group,))))
    made.add("Needs", *group_needs(group))
    return made
