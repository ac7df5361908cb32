"""Where weights come from and where they are kept → Ray's model_source, variables, secrets, volumes."""

from __future__ import annotations

from typing import Any

import pytest
from builders import LLM, llm
from llm_operator.api.spec.source import SecretKeyRef
from llm_operator.plan.inputs import Policy
from llm_operator.plan.pods import Claim, KeyFile, Mount, NodeFolder, Scratch
from llm_operator.render.pod import worker_template
from unit.plan.features import engine, group, planned

ID, KEY, SESSION = ({"name": "s", "key": key} for key in ("id", "key", "session"))
AZURE = {"tenantIdSecretRef": {"name": "z", "key": "t"}, "clientIdSecretRef": {"name": "z", "key": "c"},
         "clientSecretSecretRef": {"name": "z", "key": "s"}}  # fmt: skip
ABFSS = "abfss://c@acc.dfs.core.windows.net/m"


def source(uri: str, **fields: Any) -> LLM:
    return llm("m").model(source={"uri": uri, **fields})


def ref(name: str, key: str) -> SecretKeyRef:
    return SecretKeyRef(name=name, key=key)


@pytest.mark.parametrize(
    ("uri", "want"),
    [
        ("hf://Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ("file:///models/a", "/models/a"),
        ("s3://b/m/", "s3://b/m"),
        ("gs://b/m", "gs://b/m"),
        (ABFSS, ABFSS),
        ("azure://c@acc.blob.core.windows.net/m/n/", "azure://c@acc.blob.core.windows.net/m/n"),
        ("pvc://claim/a/b", "/mnt/models/claim/a/b"),
        ("pvc://claim", "/mnt/models/claim"),
    ],
)
def test_model_source(uri: str, want: str) -> None:
    assert engine(source(uri)).model_source == want


def test_a_claim_is_mounted_read_only() -> None:
    assert group(source("pvc://weights/a")).mounts == (
        Mount("model", "/mnt/models/weights", Claim("weights"), read_only=True),
    )


def test_a_pin_holds_for_the_tokenizer_too() -> None:
    kwargs = dict(engine(source("hf://a/b", revision="v1")).engine_kwargs)
    assert (kwargs["revision"], kwargs["tokenizer_revision"]) == ("v1", "v1")


# (name, source, variables of the pods, secrets of the pods)
ACCESS: list[tuple[str, LLM, dict[str, str], dict[str, SecretKeyRef]]] = [
    ("token", source("hf://a/b", tokenSecretRef={"name": "h", "key": "t"}), {}, {"HF_TOKEN": ref("h", "t")}),
    ("endpoint without its slash", source("s3://b/m", s3={"endpoint": "https://o.example:9000/"}),
     {"AWS_ENDPOINT_URL": "https://o.example:9000"}, {}),
    ("region, for boto3 and for the C++ SDK", source("s3://b/m", s3={"region": "eu-west-1"}),
     {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-1"}, {}),
    ("keys", source("s3://b/m", s3={"accessKeyIdSecretRef": ID, "secretAccessKeySecretRef": KEY}), {},
     {"AWS_ACCESS_KEY_ID": ref("s", "id"), "AWS_SECRET_ACCESS_KEY": ref("s", "key")}),
    ("temporary keys",
     source("s3://b/m", s3={"accessKeyIdSecretRef": ID, "secretAccessKeySecretRef": KEY, "sessionTokenSecretRef": SESSION}), {},
     {"AWS_ACCESS_KEY_ID": ref("s", "id"), "AWS_SECRET_ACCESS_KEY": ref("s", "key"), "AWS_SESSION_TOKEN": ref("s", "session")}),
    ("service principal", source(ABFSS, azure=AZURE), {},
     {"AZURE_TENANT_ID": ref("z", "t"), "AZURE_CLIENT_ID": ref("z", "c"), "AZURE_CLIENT_SECRET": ref("z", "s")}),
    ("service account", source("gs://b/m", gcs={"credentialsSecretRef": {"name": "g", "key": "k.json"}}),
     {"GOOGLE_APPLICATION_CREDENTIALS": "/mnt/credentials/gcs.json"}, {}),
    ("access for adapters only", source("hf://a/b", s3={"region": "eu-west-1"}).model(lora={"root": "s3://b/l"}),
     {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-1"}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("made", "env", "secrets"), [pytest.param(*row[1:], id=row[0]) for row in ACCESS])
def test_access(made: LLM, env: dict[str, str], secrets: dict[str, SecretKeyRef]) -> None:
    found = group(made)
    assert dict(found.default_env) == env
    assert dict(found.secret_env) == secrets


def test_a_service_account_key_is_a_file() -> None:
    made = source("gs://b/m", gcs={"credentialsSecretRef": {"name": "g", "key": "k.json"}})
    (path,) = dict(group(made).default_env).values()
    assert group(made).mounts == (Mount("gcs-credentials", path, KeyFile("secret", "g", "k.json"), read_only=True),)


# (name, source, arguments, variables of the replica)
STREAMING: list[tuple[str, LLM, dict[str, Any], dict[str, str]]] = [
    ("plain", source("gs://b/m", streaming={}), {"load_format": "runai_streamer"}, {}),
    ("threads and bytes", source("s3://b/m", streaming={"concurrency": 4, "memoryLimit": "2Gi"}),
     {"load_format": "runai_streamer", "model_loader_extra_config": {"concurrency": 4, "memory_limit": 2 * 2**30}}, {}),
    ("endpoint", source("s3://b/m", streaming={}, s3={"endpoint": "http://o:9000/"}), {"load_format": "runai_streamer"},
     {"RUNAI_STREAMER_S3_ENDPOINT": "http://o:9000", "RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING": "0"}),
    ("sharded", source("s3://b/m", streaming={"sharded": True}), {"load_format": "runai_streamer_sharded"}, {}),
    ("sharded, threads and bytes", source("s3://b/m", streaming={"sharded": True, "concurrency": 4, "memoryLimit": "1M"}),
     {"load_format": "runai_streamer_sharded"},
     {"RUNAI_STREAMER_CONCURRENCY": "4", "RUNAI_STREAMER_MEMORY_LIMIT": "1000000"}),
]  # fmt: skip


@pytest.mark.parametrize(("made", "kwargs", "env"), [pytest.param(*row[1:], id=row[0]) for row in STREAMING])
def test_streaming(made: LLM, kwargs: dict[str, Any], env: dict[str, str]) -> None:
    found = engine(made)
    plain = dict(engine(llm("m")).engine_kwargs)
    assert {name: value for name, value in found.engine_kwargs if name not in plain} == kwargs
    assert {name: value for name, value in found.env if name.startswith(("RUNAI_", "HF_"))} == env
    assert found.model_source.startswith(("s3://", "gs://")), "Ray hands the URI on for streaming load formats"


def copied_to(made: LLM) -> str | None:
    return dict(engine(made).env).get("HF_HUB_CACHE")


def test_every_bucket_has_its_own_folder() -> None:
    """Ray names the folder after the model alone, and leaves what lies there."""
    first, second = copied_to(source("s3://b/m")), copied_to(source("s3://b/n"))
    assert first is not None
    assert second is not None
    assert first != second
    assert copied_to(source("s3://b/m/")) == first
    assert first.startswith("~/.cache/huggingface/buckets/")
    cached = copied_to(source("s3://b/m").model(cache={"weights": {"emptyDir": {}}}))
    assert cached == first.replace("~/.cache/huggingface", "/mnt/cache/weights")


@pytest.mark.parametrize("uri", ["hf://a/b", "file:///a", "pvc://c/a"])
def test_nothing_else_is_copied(uri: str) -> None:
    assert copied_to(source(uri)) is None


@pytest.mark.parametrize(
    ("volume", "want"),
    [
        ({"pvc": {"claimName": "c", "subPath": "a/b"}}, Claim("c", "a/b")),
        ({"pvc": {"claimName": "c"}}, Claim("c")),
        ({"emptyDir": {"sizeLimit": "9Gi"}}, Scratch("9Gi")),
        ({"emptyDir": {}}, Scratch()),
        ({"hostPath": {"path": "/var/cache/m"}}, NodeFolder("/var/cache/m")),
    ],
)
def test_caches(volume: dict[str, Any], want: object) -> None:
    allowed = Policy(allow_host_path=True)
    weights = group(llm("m").model(cache={"weights": volume}), allowed)
    assert weights.mounts == (Mount("cache-weights", "/mnt/cache/weights", want),)  # type: ignore[arg-type]
    assert dict(weights.default_env) == {"HF_HOME": "/mnt/cache/weights"}
    compiled = group(llm("m").model(cache={"compiled": volume}), allowed)
    assert compiled.mounts == (Mount("cache-compiled", "/mnt/cache/compiled", want),)  # type: ignore[arg-type]
    assert dict(compiled.default_env) == {
        "FLASHINFER_WORKSPACE_BASE": "/mnt/cache/compiled",
        "TORCHINDUCTOR_CACHE_DIR": "/mnt/cache/compiled/inductor",
        "TRITON_CACHE_DIR": "/mnt/cache/compiled/triton",
        "VLLM_CACHE_ROOT": "/mnt/cache/compiled/vllm",
    }


def test_a_folder_of_the_node_in_the_pod() -> None:
    """No golden case has one: PodSecurity "restricted" forbids it."""
    plan = planned(llm("m").model(cache={"weights": {"hostPath": {"path": "/var/c"}}}), Policy(allow_host_path=True))
    spec = worker_template(plan, plan.models[0].groups[0])["spec"]
    assert {"name": "cache-weights", "hostPath": {"path": "/var/c", "type": "DirectoryOrCreate"}} in spec["volumes"]
    assert {"name": "cache-weights", "mountPath": "/mnt/cache/weights"} in spec["containers"][0]["volumeMounts"]


def test_all_volumes_of_a_pod_have_names_and_places_of_their_own() -> None:
    made = source("pvc://w/a", gcs={"credentialsSecretRef": {"name": "g", "key": "k"}}).model(
        lora={"root": "gs://b/l"},
        cache={"compiled": {"emptyDir": {}}, "weights": {"emptyDir": {}}},
        engine={
            "chatTemplate": {"configMapKeyRef": {"name": "t", "key": "k"}},
            "speculative": {"method": "eagle3", "tokens": 2, "model": "hf://a/b"},
        },
    )
    mounts = group(made).mounts
    assert len(mounts) == 5
    assert len({mount.name for mount in mounts}) == len({mount.path for mount in mounts}) == len(mounts)


def test_secrets_stay_references() -> None:
    for _, made, _, secrets in ACCESS:
        template = worker_template(planned(made), group(made))
        env = {entry["name"]: entry for entry in template["spec"]["containers"][0]["env"]}
        for name in secrets:
            assert env[name].keys() == {"name", "valueFrom"}
