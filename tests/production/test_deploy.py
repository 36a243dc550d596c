"""The files that run the site elsewhere are read as their programs read them."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.tables import environment

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
# What is no setting of ours, or is read by the web server and by OpenTelemetry.
OTHERS = {"BIND", "METRICS_DIR", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}
KNOWN = {name.strip("`") for name, _default in environment()} | OTHERS


def documents(path: Path) -> list[dict[str, Any]]:
    return [*yaml.safe_load_all(path.read_text(encoding="utf-8"))]


KUBERNETES = [
    (path.name, document)
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in documents(path)
]
WORKLOADS = [
    pytest.param(document, id=f"{name}-{document['metadata']['name']}")
    for name, document in KUBERNETES
    if document["kind"] in ("Deployment", "Job")
]


# ------------------------------------------------------------------ the container
def test_the_container_is_nobody_special_and_has_no_compiler() -> None:
    text = (ROOT / "Dockerfile").read_text()
    steps = re.sub(r"\\\n", " ", text).splitlines()
    last = text.rindex("\nFROM ")
    assert re.search(r"^USER 10001:10001$", text[last:], re.M)
    assert "HEALTHCHECK" in text[last:]
    bought = re.findall(r"apt-get install([^&]*)&&([^&]*)", re.sub(r"\\\n", " ", text))
    assert [words.split()[-1] for words, _after in bought] == ["postgresql-client"]
    assert all("rm -rf /var/lib/apt/lists/*" in after for _words, after in bought)
    assert ":latest" not in text
    assert all(":" in s.split()[1] for s in steps if s.startswith("FROM "))
    for name in ("ENTRYPOINT", "CMD"):
        assert re.search(rf'^{name} \["', text[last:], re.M), f"{name}: not a shell's"
    installs = [s for s in steps if "pip install" in s]
    assert installs
    assert all("--require-hashes" in s and "--no-cache-dir" in s for s in installs)
    assert not [s for s in steps if s.startswith("ADD ")]


def test_only_what_runs_is_in_the_container() -> None:
    copied = re.findall(
        r"^COPY (?!--from)(\S+)", (ROOT / "Dockerfile").read_text(), re.M
    )
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in copied} == {a for a in allowed if a.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)
    assert "tests" not in copied


def test_the_entry_script_starts_each_part_that_others_name() -> None:
    entry = (DEPLOY / "entry").read_text()
    parts = set(re.findall(r"^  (\w+)\)", entry, re.M))
    assert {"web", "worker", "clock", "migrate"} == parts
    subprocess.run(["sh", "-n", DEPLOY / "entry"], check=True)
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    named = {s["command"][0] for s in services.values() if s.get("image") == "campaign"}
    assert named == parts


# ------------------------------------------------------------------ compose
def test_compose_names_settings_that_exist_and_no_secret() -> None:
    found = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services = found["services"]
    assert {*services} >= {"web", "worker", "clock", "database", "queue", "mailbox"}
    assert services["mailbox"]["profiles"] == ["demo"]
    for name in ("web", "worker", "clock", "migrate"):
        service = services[name]
        assert {*service["environment"]} <= KNOWN
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        for key in ("SECRET_KEY", "SUPPRESSION_KEYS", "LEDGER_KEY"):
            assert service["environment"][key].startswith("${"), key
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert ":" in service["image"] or service["image"] == "campaign"


@pytest.mark.skipif(not shutil.which("docker"), reason="docker reads its own file")
def test_docker_reads_the_compose_file() -> None:
    has_plugin = subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    )
    if has_plugin.returncode:
        pytest.skip("docker has no compose here")
    subprocess.run(["docker", "compose", "config", "-q"], cwd=ROOT, check=True)


# ------------------------------------------------------------------ Kubernetes
@pytest.mark.parametrize("document", WORKLOADS)
def test_a_workload_has_limits_probes_and_no_rights(document: dict[str, Any]) -> None:
    spec = document["spec"]["template"]["spec"]
    labels = document["spec"]["template"]["metadata"]["labels"]
    if document["kind"] == "Deployment":
        assert document["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    volumes = {volume["name"] for volume in spec["volumes"]}
    for container in spec["containers"]:
        confined = container["securityContext"]
        assert confined["readOnlyRootFilesystem"] is True
        assert confined["allowPrivilegeEscalation"] is False
        assert confined["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        assert not container["image"].endswith(":latest")
        if container["name"] == "web":
            assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz/web"


def test_what_kubernetes_objects_name_is_there() -> None:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for _name, document in KUBERNETES:
        assert {"apiVersion", "kind", "metadata"} <= {*document}
        by_kind.setdefault(document["kind"], []).append(document)
    for document in (*by_kind["ConfigMap"], *by_kind["Secret"]):
        data = document.get("data") or document["stringData"]
        assert {*data} <= KNOWN
        assert all(isinstance(value, str) for value in data.values())
    service, ingress = by_kind["Service"][0], by_kind["Ingress"][0]
    labels = [
        d["spec"]["template"]["metadata"]["labels"] for d in by_kind["Deployment"]
    ]
    assert any(service["spec"]["selector"].items() <= each.items() for each in labels)
    rule = ingress["spec"]["rules"][0]["http"]["paths"][0]
    assert rule["backend"]["service"]["name"] == service["metadata"]["name"]


# ------------------------------------------------------------------ systemd and nginx
UNITS = sorted((DEPLOY / "systemd").iterdir())


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_systemd_reads_the_units_and_finds_them_confined(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text().replace("/srv/campaign/deploy/entry", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    units = [str(tmp_path / unit.name) for unit in UNITS]
    read = subprocess.run(
        ["systemd-analyze", "verify", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (read.returncode, read.stderr) == (0, "")
    for unit in units:
        if unit.endswith(".timer"):
            continue
        words = [
            "systemd-analyze",
            "security",
            "--offline=true",
            "--threshold=20",
            unit,
        ]
        subprocess.run(words, check=True, capture_output=True)


NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@pytest.mark.skipif(not NGINX, reason="nginx reads its own file")
def test_nginx_reads_its_file(tmp_path: Path) -> None:
    certificate = ["-keyout", str(tmp_path / "k"), "-out", str(tmp_path / "c")]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    subprocess.run(
        [*made, "-subj", "/CN=x", *certificate], check=True, capture_output=True
    )
    text = (DEPLOY / "nginx" / "campaign.conf").read_text()
    text = text.replace("/etc/ssl/campaign/fullchain.pem", str(tmp_path / "c"))
    text = text.replace("/etc/ssl/campaign/privkey.pem", str(tmp_path / "k"))
    text = text.replace("/var/log/nginx/", f"{tmp_path}/")
    main = tmp_path / "nginx.conf"
    main.write_text(f"pid {tmp_path}/pid; events {{}} http {{ {text} }}")
    assert NGINX
    read = subprocess.run(
        [NGINX, "-t", "-c", main], capture_output=True, text=True, check=False
    )
    assert read.returncode == 0, read.stderr


def test_no_log_of_nginx_has_an_address() -> None:
    text = (DEPLOY / "nginx" / "campaign.conf").read_text()
    assert "$request " not in text
    assert "$request_uri " not in text
    assert "$http_referer" not in text


def test_the_version_is_the_same_everywhere() -> None:
    from campaign import __version__
    from tests.upgrades.release import PLACES

    for name, pattern in PLACES.items():
        text = (ROOT / name).read_text()
        found = [match[0] for match in re.finditer(pattern, text, re.M)]
        assert found, name
        assert all(each.endswith(__version__) for each in found), name
