{{/*
What the operator may do in the namespaces that it watches: alphabetical, to neither repeat nor miss anything.
It never reads Secrets and never creates pods; KubeRay does. tests/chart holds this list against forbidden verbs.
*/}}
{{- define "llm-operator.rules" -}}
# Why a model is not up: image, scheduling, memory. Read only, and only the operator's own by label selector.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# One event per transition of an LLMDeployment; patch raises its count.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
# get: is a parent still there, before a child that is gone is made again?
- apiGroups: [llm-operator.io]
  resources: [llmdeployments]
  verbs: [get, list, watch]
{{- if .Values.rbac.ownerReferences }}
# Owner references with blockOwnerDeletion, where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [llm-operator.io]
  resources: [llmdeployments/finalizers]
  verbs: [update]
{{- end }}
# Conditions, by server-side apply. Nothing else of an LLMDeployment is ever written.
- apiGroups: [llm-operator.io]
  resources: [llmdeployments/status]
  verbs: [patch]
# Bounds of live worker groups, which KubeRay does not copy from the RayService.
- apiGroups: [ray.io]
  resources: [rayclusters]
  verbs: [list, patch, watch]
# The child, by server-side apply (create and patch); delete only for spec.suspend; get to see a namesake of somebody else.
- apiGroups: [ray.io]
  resources: [rayservices]
  verbs: [create, delete, get, list, patch, watch]
{{- end -}}
