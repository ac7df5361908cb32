"""What must be there before a model's pods can start: secrets, volumes, classes, images."""

from llm_operator.api.spec.model import Model
from llm_operator.api.spec.source import EnvVar
from llm_operator.plan.lora import aliases
from llm_operator.plan.plan import ModelPlan
from llm_operator.plan.pods import Claim, GroupPlan, KeyFile, Mount, NodeFolder


def _mount(mount: Mount) -> str:
    match mount.volume:
        case Claim(name, sub_path):
            folder = f", folder {sub_path}" if sub_path is not None else ""
            return f"PersistentVolumeClaim {name}{folder} (at {mount.path})"
        case KeyFile(kind, name, key):
            return f"{'Secret' if kind == 'secret' else 'ConfigMap'} {name}, key {key} (at {mount.path})"
        case NodeFolder(path):
            return f"folder {path} of the node, if the administrator allows it (at {mount.path})"
        case _:
            return ""


def _secret(variable: EnvVar) -> str:
    ref = variable.secret_key_ref
    return f"Secret {ref.name}, key {ref.key} ({variable.name})" if ref is not None else ""


def group_needs(group: GroupPlan) -> list[str]:
    """Of one worker group."""
    said = [f"Secret {ref.name}, key {ref.key} ({name})" for name, ref in group.secret_env]
    said += [_secret(variable) for variable in group.env]
    said += [_mount(mount) for mount in group.mounts]
    if group.runtime_class_name is not None:
        said.append(f"RuntimeClass {group.runtime_class_name}")
    return [line for line in said if line]


def model_needs(model: Model, planned: ModelPlan) -> list[str]:
    """Of all its groups, each once."""
    said = dict.fromkeys(line for group in planned.groups for line in group_needs(group))
    lines = list(said)
    if model.engine.type == "Simulated" or aliases(model):
        lines.append("an image with llm_serve_app (images/serve adds it)")
    return lines
