"""What to do when a check fails: one sentence each, shown under the cause."""

REMEDIES = {
    "objects.every_condition_is_true":
        "Read the message of the condition that is not true; then the events and logs of the pods.",
    "objects.the_runtime_is_there_and_takes_the_protocol":
        "Make that ServingRuntime in this namespace, or correct predictor.model.runtime and protocolVersion.",
    "objects.all_pods_are_ready": "See `kubectl describe pod` for what it waits for, and the log of its container.",
    "objects.no_container_was_started_again":
        "Read the log of the container before (`kubectl logs --previous`); exit code 137 is memory or a liveness probe.",
    "objects.the_label_of_the_inference_service_finds_its_pods": "Don't change the labels that KServe sets on its pods.",
    "objects.the_claims_are_bound": "See the events of the claim; its storage class has to exist and to have room.",
    "objects.the_service_sends_to_the_pods": "Take the labels of the Service's selector off pods that are none of this release.",
    "snapshot.the_snapshot_names_models": "Write model_snapshot as one line of JSON with all keys that are mandatory.",
    "snapshot.the_model_that_is_asked_for_is_in_the_snapshot":
        "Ask for a key of the snapshot's `models`, which is what URLs need.",
    "snapshot.the_archives_are_in_the_store": "Put the archive into model_store under that name, or correct marName.",
    "snapshot.no_batch_goes_through_a_stock_envelope": "Set batchSize to 1, or use an envelope that answers each request.",
    "snapshot.the_management_api_listens_inside_the_pod_only": "Set management_address=http://127.0.0.1:8081.",
    "snapshot.models_come_from_no_url": "Set allowed_urls to the model store alone, such as file:///mnt/models/.*",
    "snapshot.tokens_are_off": "Set disable_token_authorization=true; management on 127.0.0.1 is what protects it.",
    "snapshot.every_model_has_its_workers": "Read the server's log for why the model, or a worker of it, did not load.",
    "readiness.the_probe_looks_at_the_model":
        "Probe what knows the model: GET /models/<model> of the management API from inside, or /v2/models/<model>/ready.",
    "readiness.ready_came_after_the_model_had_loaded":
        "Let the readiness probe ask for a READY worker of the model; until then requests fail.",
    "logs.the_server_says_nothing_bad": "Remove the cause; the lines around it in `kubectl logs` say more.",
    "logs.the_sidecar_says_nothing_bad": "Read queue-proxy's log around that line; the server it asks is in the same pod.",
    "logs.the_download_says_nothing_bad": "Correct the source of the model, or its credentials.",
    "management.it_is_not_behind_the_service":
        "Give the management API a port of its own on 127.0.0.1, and set enable_model_api=false.",
    "management.it_is_not_on_the_pods_address":
        "Set management_address=http://127.0.0.1:8081, grpc_management_address=127.0.0.1.",
    "answers.the_sample_is_answered_as_expected": "Compare model, envelope and protocol with what the sample was made for.",
    "answers.the_instances_of_one_request_are_answered_in_their_order":
        "Let the handler return one answer for each instance, in the order in which they came.",
    "answers.a_model_that_is_not_there_is_not_found": "Let nothing before the server answer for models that it does not know.",
    "answers.what_is_no_json_is_an_error": "Let the envelope refuse what it can't parse, with 400.",
    "limits.a_request_that_is_too_big_is_refused":
        "Set max_request_size, and see in the log what a big request does to the server.",
    "limits.many_at_once_are_answered_as_each_alone":
        "Look for state that requests share in the handler, and for batchSize above 1 with an envelope that can't do it.",
}
