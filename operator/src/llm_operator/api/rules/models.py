"""Names, and what the whole spec must hold."""

from typing import Final

from llm_operator.api.rules.rule import Rule

# RayService names are at most 47 characters (KubeRay 1.6.2, utils/validation.go); 40 leaves room for suffixes.
NAME: Final = Rule(
    "self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    "must be at most 40 characters, lower case letters, digits and '-', and start with a letter",
    ".metadata.name",
)
# Serve sends a request to the longest route that fits, so the route of such a model would take requests of a model at "/"
# (Ray 2.60.0, llm/_internal/serve/core/ingress/ingress.py); Ray's autoscaler calls the head "headgroup" (2.60.0,
# autoscaler/_private/kuberay/autoscaling_config.py).
RESERVED_NAMES: Final = ("detokenize", "headgroup", "tokenize", "v1")
MODEL_NAME: Final = Rule(
    f"!(self.name in {list(RESERVED_NAMES)})",
    "is reserved (a path of the OpenAI API, or Ray's name of the head): choose another name",
    ".name",
)
SOMETHING_TO_SERVE: Final = Rule(
    "(has(self.models) && self.models.size() > 0) || (has(self.applications) && self.applications.size() > 0)",
    "must have at least one of models and applications",
)
IMAGE_WITH_VERSION: Final = Rule(
    "!has(self.version) || self.version == '2.60.0' || has(self.image)",
    "required with a version other than the default 2.60.0: version must be the one inside the image",
    ".image",
)
