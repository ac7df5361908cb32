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
# On a child without an owner reference (deletionPolicy: Orphan): the uid of the LLMDeployment that keeps it.
OWNER_ANNOTATION: Final = f"{GROUP}/owner-uid"
# On an LLMDeployment, set by people: "true" takes over a RayService of its name that nobody owns.
ADOPT_ANNOTATION: Final = f"{GROUP}/adopt"
# Of the RayService: the change that its last apply started (status/change_record.py).
CHANGE_ANNOTATION: Final = f"{GROUP}/change"
# Of the head's pod template: another value is another Ray cluster.
ROLLOUT_ANNOTATION: Final = f"{GROUP}/rollout"
RESTARTED_AT_ANNOTATION: Final = f"{GROUP}/restarted-at"
# Of a Serve application's runtime_env: another value makes Serve build it anew.
RETRY_VARIABLE: Final = "LLM_OPERATOR_RETRY"

# KubeRay puts these on the pods it creates (KubeRay 1.6.2, ray-operator/controllers/ray/utils/constant.go).
RAY_GROUP_LABEL: Final = "ray.io/group"
RAY_NODE_TYPE_LABEL: Final = "ray.io/node-type"
RAY_CLUSTER_LABEL: Final = "ray.io/cluster"

# The children's selector: KubeRay copies a RayService's labels to its RayClusters, and we put them on the pods.
CHILD_SELECTOR: Final = f"{MANAGED_BY_LABEL}={MANAGED_BY}"

SERVE_PORT: Final = 8000

# What a RayService is rendered as; render/versions.py says what each brought. A new one when a spec would be rendered differently
# and that restarted something: a RayService keeps its version until a new Ray cluster is made anyway, or people ask for it.
RENDER_VERSIONS: Final = ("1", "2", "3")
# On a RayService, from version 2 on.
RENDER_VERSION_ANNOTATION: Final = f"{GROUP}/render-version"
# On an LLMDeployment, set by people: Latest renders as the newest version at once.
RENDER_ANNOTATION: Final = f"{GROUP}/render"
RENDER_LATEST: Final = "Latest"
