"""The local cluster: a real kind cluster with KubeRay, from nothing, on one machine.

`python -m cluster --help` lists the commands. Only the standard library and PyYAML are used, so that it runs
before the development environment exists. For tests: `cluster.env` (kubectl, helm, guard), `cluster.audit` (what
was written to the API server), `cluster.fake_devices` (accelerators that are not there), `cluster.s3` (a bucket that
pods reach; needs pyarrow) and `cluster.ray_state` (pods and placement groups of a RayCluster). Tests of this package:
tests/unit/cluster/, and on the cluster itself tests/catalogue/test_local_cluster.py.

One node unless more are asked for: each more takes about 6 s and 100 MB of memory; the stores share their layers. Not
like a production cluster: all nodes share one machine's CPU and memory and each reports all of it, and where the node
image is built here a `ptp` CNI without network policy, so NetworkPolicies are accepted but not enforced.
"""
