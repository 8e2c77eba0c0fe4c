"""The files of deploy/, as far as they can be checked without a Docker engine or a Kubernetes cluster."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[1] / "deploy"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return {**loaded["services"], "secrets of all": loaded["secrets"]}


@pytest.fixture(scope="module")
def pods() -> list[dict[str, Any]]:
    *_, cluster = yaml.safe_load_all((DEPLOY / "kuberay.yaml").read_text())
    groups = [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]


def test_the_image_names_no_package_index() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert "://" not in text
    assert re.findall(r"^ARG (.*)$", text, re.MULTILINE) == ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"]


def test_the_image_runs_as_a_user_and_its_ray_wants_a_token() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert "--uid 1000" in text
    assert text.index("\nUSER hpsearch\n") > text.rindex("\nRUN ")
    assert "RAY_AUTH_MODE=token" in text


def test_what_the_image_copies_is_there() -> None:
    copied = re.findall(r"^COPY (.*) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert all((DEPLOY.parent / name).exists() for line in copied for name in line.split())


def test_ports_are_those_of_this_machine_alone(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_secrets_are_files(services: dict[str, Any]) -> None:
    assert all("file" in secret for secret in services.pop("secrets of all").values())
    variables = [name for service in services.values() for name in service.get("environment", {})]
    assert not [name for name in variables if re.search("PASSWORD|TOKEN|KEY", name) and not name.endswith("_FILE")]


def test_pods_run_as_the_images_user_who_can_read_the_token(pods: list[dict[str, Any]]) -> None:
    for pod in pods:
        assert pod["securityContext"] == {"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000}
        settings = {one["name"]: one["value"] for one in pod["containers"][0]["env"]}
        assert settings["RAY_AUTH_MODE"] == "token"
        mounts = {one["mountPath"] for one in pod["containers"][0]["volumeMounts"]}
        assert str(Path(settings["RAY_AUTH_TOKEN_PATH"]).parent) in mounts
        assert settings["HPSEARCH_HOME"] in mounts
