"""TorchServe's configuration and the model store: what one says, the other has."""

from urllib.parse import urlsplit

from ..target import NotApplicable, Target

MANDATORY = ("marName", "minWorkers", "maxWorkers", "batchSize", "maxBatchDelay")
STOCK_ENVELOPES = ("kserve", "kservev2")
LOCAL = ("127.0.0.1", "localhost", "::1")


def the_snapshot_names_models(target: Target) -> None:
    """One line of JSON, counted right, with the settings that TorchServe can't do without."""
    assert target.snapshot, "model_snapshot names no model"
    assert '"modelCount":0' not in target.config["model_snapshot"].replace(" ", ""), "modelCount is 0, so nothing is loaded"
    for model, versions in target.snapshot.items():
        for version, settings in versions.items():
            missing = [key for key in MANDATORY if key not in settings]
            assert not missing, f"model {model} {version} lacks {missing}, without which TorchServe ends"


def the_model_that_is_asked_for_is_in_the_snapshot(target: Target) -> None:
    """A name from `--model`; it is a key of the snapshot, not the name of the InferenceService."""
    if not target.model_given:
        raise NotApplicable("no --model was given")
    assert target.model in target.snapshot, f"the snapshot has no model {target.model}, only {sorted(target.snapshot)}"


def the_archives_are_in_the_store(target: Target) -> None:
    """Each archive of the snapshot is there, in each pod."""
    if not target.inside:
        raise NotApplicable("the cluster lets nobody into the pods")
    for pod, inside in target.inside.items():
        for model, versions in target.snapshot_of(pod).items():
            for version, settings in versions.items():
                mar = settings.get("marName", "")
                assert mar in inside.store, f"{pod}: model {model} {version} has no {mar} in its store: {inside.store[:8]}"


def no_batch_goes_through_a_stock_envelope(target: Target) -> None:
    """KServe's envelopes answer only the first request of a batch rightly."""
    if target.config.get("service_envelope") not in STOCK_ENVELOPES:
        raise NotApplicable("no stock envelope is used")
    wrong = [f"{model} {version}: {settings['batchSize']}" for model, versions in target.snapshot.items()
             for version, settings in versions.items() if settings.get("batchSize", 1) > 1]
    assert not wrong, f"batchSize is more than 1 with the envelope {target.config['service_envelope']}: {', '.join(wrong)}"


def the_management_api_listens_inside_the_pod_only(target: Target) -> None:
    """By the configuration; management.* look at the ports themselves."""
    host = urlsplit(target.config.get("management_address", "http://127.0.0.1:8081")).hostname
    assert host in LOCAL, f"management_address is on {host}, where anyone may load a model"


def models_come_from_no_url(target: Target) -> None:
    """`allowed_urls` is narrower than TorchServe's own default, which takes any URL."""
    allowed = target.config.get("allowed_urls", "file://.*|http(s)?://.*")
    assert "http" not in allowed and allowed.strip() not in ("", ".*", "file://.*"), f"allowed_urls is {allowed}"


def tokens_are_off(target: Target) -> None:
    """TorchServe's tokens, which neither probes nor KServe's model server have."""
    if any(inside.workers is not None for inside in target.inside.values()):
        return  # the management API has answered one without a token
    for pod in target.pods:
        server = target.server(pod)
        if "--disable-token-auth" in " ".join([*server.get("command", []), *server.get("args", [])]) or any(
                one["name"] == "TS_DISABLE_TOKEN_AUTHORIZATION" and one.get("value") == "true" for one in server.get("env", [])):
            return
    value = target.config.get("disable_token_authorization", "false")
    assert value == "true", f"disable_token_authorization is {value}"


def every_model_has_its_workers(target: Target) -> None:
    """In each pod, all models of the snapshot and no others, with their READY workers."""
    if not target.inside:
        raise NotApplicable("the cluster lets nobody into the pods")
    for pod, inside in target.inside.items():
        if inside.workers is None:
            raise NotApplicable(f"its management API does not tell: {'; '.join(target.unread)}")
        snapshot = target.snapshot_of(pod)
        assert set(inside.workers) == set(snapshot), (
            f"{pod} serves {sorted(inside.workers)}, the snapshot has {sorted(snapshot)}")
        for model, versions in snapshot.items():
            for version, settings in versions.items():
                workers = inside.workers[model].get(version, [])
                ready = sum(worker.get("status") == "READY" for worker in workers)
                wanted = max(1, settings.get("minWorkers", 1))
                assert ready >= wanted, f"{pod}: model {model} {version} has {ready} of {wanted} workers"
