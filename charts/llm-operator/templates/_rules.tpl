{{/*
What the operator may do in the namespaces that it watches: alphabetical, to neither repeat nor miss anything.
It never reads Secrets and never creates pods; KubeRay does. tests/chart holds this list against forbidden verbs.
operator.freeCapacity adds a ClusterRole that lists nodes and all pods (rbac.yaml).
*/}}
{{- define "llm-operator.rules" -}}
# Why a model is not up: image, scheduling, memory. Read by label selector: only the operator's own.
{{- if .Values.operator.restartStalled }}
# delete: the pod of a replica that makes no token, where health.tokenProgress.action says Restart.
{{- end }}
- apiGroups: [""]
  resources: [pods]
  verbs: [{{ if .Values.operator.restartStalled }}delete, {{ end }}list, watch]
# Last good specs, for a rollback: written once, pruned.
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [create, delete, get, list, patch, watch]
# One event per transition of an LLMDeployment; patch raises its count, get reads what it was before a restart.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, get, patch]
{{- with .Values.operator.gatewayClasses }}
# Strategy Incremental: is the class there? A Role grants nothing of it: then the values are believed.
- apiGroups: [gateway.networking.k8s.io]
  resources: [gatewayclasses]
  resourceNames: {{ toJson (sortAlpha .) }}
  verbs: [get]
# The address of the Gateway that KubeRay made.
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways]
  verbs: [get]
{{- end }}
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
# Nobody evicts the head. get: a namesake of somebody else is left alone.
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [create, delete, get, list, patch, watch]
# Bounds of live worker groups, which KubeRay does not copy from the RayService.
- apiGroups: [ray.io]
  resources: [rayclusters]
  verbs: [list, patch, watch]
# The child, by server-side apply (create and patch); delete only for spec.suspend and spec.rollout.strategy Recreate; get to see a
# namesake of somebody else.
- apiGroups: [ray.io]
  resources: [rayservices]
  verbs: [create, delete, get, list, patch, watch]
# The name of a Ray cluster under preparation that is not wanted any more (a rollback): KubeRay gives it up in no other way.
- apiGroups: [ray.io]
  resources: [rayservices/status]
  verbs: [patch]
{{- end -}}
