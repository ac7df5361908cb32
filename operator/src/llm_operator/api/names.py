"""Every string that others see: groups, labels, annotations, the field manager. A typo here is an API break."""

from typing import Final

GROUP: Final = "llm-operator.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "LLMDeployment"
PLURAL: Final = "llmdeployments"
SINGULAR: Final = "llmdeployment"
SHORT_NAME: Final = "llmd"
CATEGORIES: Final = ("all", "llm")

RAY_GROUP: Final = "ray.io"
RAY_VERSION: Final = "v1"
RAY_API_VERSION: Final = f"{RAY_GROUP}/{RAY_VERSION}"
RAY_SERVICE_KIND: Final = "RayService"

FIELD_MANAGER: Final = "llm-operator"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "llm-operator"
DEPLOYMENT_LABEL: Final = f"{GROUP}/deployment"
MODEL_LABEL: Final = f"{GROUP}/model"
SPEC_HASH_ANNOTATION: Final = f"{GROUP}/spec-hash"

# KubeRay puts these on the pods it creates (KubeRay 1.6.2, ray-operator/controllers/ray/utils/constant.go).
RAY_GROUP_LABEL: Final = "ray.io/group"
RAY_NODE_TYPE_LABEL: Final = "ray.io/node-type"

# The children's selector: KubeRay copies a RayService's labels to its RayClusters, and we put them on the pods.
CHILD_SELECTOR: Final = f"{MANAGED_BY_LABEL}={MANAGED_BY}"

SERVE_PORT: Final = 8000

# Rises when a newer operator renders an old spec differently; recorded in status.renderVersion.
RENDER_VERSION: Final = "1"
