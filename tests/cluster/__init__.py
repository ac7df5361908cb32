"""The local cluster: a real kind cluster with KubeRay, from nothing, on one machine.

`python -m cluster --help` lists the commands. Only the standard library and PyYAML are used, so that it runs
before the development environment exists. For tests: `cluster.env` (kubectl, helm, guard) and `cluster.audit`
(what was written to the API server). Tests of this package: tests/unit/cluster/.

Not like a production cluster: one node, and where the node image is built here a `ptp` CNI without network
policy, so NetworkPolicies are accepted but not enforced.
"""
