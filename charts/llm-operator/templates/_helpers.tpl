{{/* Name of every object of the release. */}}
{{- define "llm-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that never change: selectors of the Deployment, the Service, the budget and the policies. */}}
{{- define "llm-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "llm-operator.labels" -}}
{{ include "llm-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: llm-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (replace "+" "_" .Chart.Version) }}
{{- end -}}

{{- define "llm-operator.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "llm-operator.fullname" .) -}}
{{- end -}}

{{- define "llm-operator.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* Refuses combinations that values.schema.json cannot express. */}}
{{- define "llm-operator.check" -}}
{{- with .Values.leaderElection -}}
{{- if or (ge (float64 .retrySeconds) (float64 .renewDeadlineSeconds)) (ge (float64 .renewDeadlineSeconds) (float64 .leaseSeconds)) -}}
{{- fail (printf "leaderElection: retrySeconds < renewDeadlineSeconds < leaseSeconds must hold, got %v, %v, %v" .retrySeconds .renewDeadlineSeconds .leaseSeconds) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.rbac.aggregateUserRoles (not .Values.rbac.userRoles) -}}
{{- fail "rbac.aggregateUserRoles: needs rbac.userRoles=true" -}}
{{- end -}}
{{- end -}}
